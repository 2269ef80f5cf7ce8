import Datastore
import Failures
import Foundation
import JSONValues
import Kubernetes
import VirtualClusters

/// The token that a Secret of the host gives a virtual cluster's k3s.
struct HostToken {
    /// The Secret's name.
    let secret: String
    /// As it stands there. Never print it.
    let bytes: [UInt8]

    /// nil where there is none, or where it may not be read.
    init?(of cluster: VirtualCluster, in objects: HostObjects) {
        for location in cluster.tokens {
            let (name, key): (String, String)
            switch location {
            case .secret(let secret, let member, _): (name, key) = (secret, member)
            case .environment(_, let secret?, let member?): (name, key) = (secret, member)
            default: continue
            }
            guard
                let object = objects.objects(of: .secrets).first(where: {
                    $0.namespace == cluster.namespace && $0.name == name
                }), let text = object["data", key]?.stringValue, let bytes = Data(base64Encoded: text), !bytes.isEmpty
            else { continue }
            secret = name
            self.bytes = Array(bytes)
            return
        }
        return nil
    }

    /// Whether it is the same as another one; what is no token is not.
    func isSame(as other: ServerToken) -> Bool {
        do throws(Failure) {
            return try ServerToken(parsing: bytes).password == other.password
        } catch {
            return false
        }
    }
}
