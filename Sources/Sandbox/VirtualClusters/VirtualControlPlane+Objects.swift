import Failures
import JSONValues

/// The objects in the datastore, as its API and its syncer read and write them.
extension VirtualControlPlane {
    func caller(_ certificate: [UInt8]?) -> Caller? { certificate.flatMap { clientAuthority?.caller(of: $0) } }

    private func opened() throws(APIError) -> any PlaneDatabase {
        guard !isBroken else {
            throw .internalError("rpc error: code = Unknown desc = database disk image is malformed")
        }
        guard let database else {
            throw APIError(code: 503, reason: "ServiceUnavailable", message: "apiserver not ready")
        }
        return database
    }

    func rows(_ prefix: String) throws(APIError) -> [DatastoreRow] {
        let database = try opened()
        do throws(Failure) { return try database.list(prefix: prefix) } catch {
            throw .internalError(error.description)
        }
    }

    func row(_ key: String) throws(APIError) -> DatastoreRow? {
        let database = try opened()
        do throws(Failure) { return try database.get(key) } catch { throw .internalError(error.description) }
    }

    func revision() throws(APIError) -> Int64 {
        let database = try opened()
        do throws(Failure) { return try database.revision() } catch { throw .internalError(error.description) }
    }

    func put(_ key: String, _ json: JSONValue) throws(APIError) {
        let database = try opened()
        do throws(Failure) {
            try database.put(key, json.serialized() + [UInt8(ascii: "\n")])
        } catch { throw .internalError(error.description) }
    }

    func delete(_ key: String) throws(APIError) {
        let database = try opened()
        do throws(Failure) { try database.delete(key) } catch { throw .internalError(error.description) }
    }

    static let syncedPrefixes = [
        "/registry/persistentvolumeclaims/", "/registry/pods/", "/registry/services/specs/", "/registry/ingress/",
    ]

    /// The object of a row. Of what is no JSON, as in a datastore of a real k3s, the key tells the name: it is there.
    private static func object(_ row: DatastoreRow) -> JSONValue {
        do throws(Failure) {
            return try JSONValue(parsing: row.value)
        } catch {
            let parts = row.name.split(separator: "/").suffix(2).map(String.init)
            return .members([
                "metadata": .members([
                    "name": parts.last.map(JSONValue.string), "namespace": parts.first.map(JSONValue.string),
                ])
            ])
        }
    }

    /// The objects that a syncer carries to the host; nil when none of them changed since it was asked last, or cannot be read.
    func objectsToSync() -> [String: [JSONValue]]? {
        guard let database, isReady, !isBroken else { return nil }
        do {
            let mark = try Self.syncedPrefixes.map { prefix in try database.revision(prefix: prefix) }.reduce(0) {
                $0 &+ $1
            }
            guard mark != syncMark else { return nil }
            var result: [String: [JSONValue]] = [:]
            for prefix in Self.syncedPrefixes {
                result[prefix] = try database.list(prefix: prefix).map(Self.object)
            }
            syncMark = mark
            return result
        } catch {
            return nil
        }
    }
}
