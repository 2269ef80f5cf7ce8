internal import Failures
internal import JSONValues

/// What a new virtual cluster has in it.
struct SeedOptions: Sendable {
    /// The same number makes the same objects.
    var seed: UInt64
    /// About how many bytes of values; the least is some 100 kB.
    var bytes: Int
    var nodeName = "host-node"
}

/// Objects of a virtual cluster with some workloads, volumes and history, always the same for the same seed.
struct SeedGenerator {
    private struct Numbers: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    private static let words = [
        "order", "invoice", "gateway", "queue", "cache", "region", "primary", "retry", "timeout", "ledger", "tenant",
        "replica", "metric", "alarm", "budget", "policy", "socket", "worker", "stream", "backup",
    ]

    private let options: SeedOptions
    private var numbers: Numbers
    private let time: String
    private var written = 0

    init(_ options: SeedOptions) {
        self.options = options
        numbers = Numbers(state: options.seed)
        time = Moment.now(offset: -86_400)
    }

    /// Writes everything into a new datastore, updates and deletions among it.
    mutating func fill(_ database: any PlaneDatabase) throws(Failure) {
        var generator = self
        try database.fill { put in try generator.writeSystem(put) }
        try database.fill { put in try generator.writeShop(put) }
        var number = 0
        while generator.written < options.bytes {
            try database.fill { put in
                // Batches, so that the WAL does not hold everything at once.
                for _ in 0..<500 where generator.written < generator.options.bytes {
                    try generator.writeFiller(number, put)
                    number += 1
                }
            }
        }
        for index in 0..<5 {
            let name = "/registry/configmaps/shop/short-lived-\(index)"
            try database.put(name, Array("{}".utf8))
            try database.delete(name)
        }
        self = generator
    }

    typealias Put = (String, [UInt8], Int64) throws -> Void

    private mutating func uid() -> String {
        let digits = (0..<4).map { _ in numbers.next() }
        func hex(_ value: UInt64, _ count: Int) -> String {
            let text = String(value, radix: 16)
            return String((String(repeating: "0", count: 16) + text).suffix(count))
        }
        return
            "\(hex(digits[0], 8))-\(hex(digits[1], 4))-4\(hex(digits[2], 3))-a\(hex(digits[2] >> 16, 3))-\(hex(digits[3], 12))"
    }

    private mutating func write(
        _ key: String, _ version: String, _ kind: String, _ name: String, _ namespace: String?, _ rest: String,
        labels: String = "{}", annotations: String = "{}", lease: Int64 = 0, _ put: Put
    ) throws {
        let space = namespace.map { "\"namespace\":\"\($0)\"," } ?? ""
        let path = namespace.map { "\($0)/\(name)" } ?? name
        let text =
            "{\"kind\":\"\(kind)\",\"apiVersion\":\"\(version)\",\"metadata\":{\"name\":\"\(name)\",\(space)"
            + "\"uid\":\"\(uid())\",\"creationTimestamp\":\"\(time)\",\"labels\":\(labels),"
            + "\"annotations\":\(annotations)}\(rest.isEmpty ? "" : ",")\(rest)}\n"
        let bytes = Array(text.utf8)
        written += bytes.count
        try put("/registry/\(key)/\(path)", bytes, lease)
    }

    private mutating func writeSystem(_ put: Put) throws {
        for name in ["kube-system", "default", "kube-public", "kube-node-lease", "shop"] {
            try write(
                "namespaces", "v1", "Namespace", name, nil,
                "\"spec\":{\"finalizers\":[\"kubernetes\"]},\"status\":{\"phase\":\"Active\"}",
                labels: "{\"kubernetes.io/metadata.name\":\"\(name)\"}", put)
            try write("serviceaccounts", "v1", "ServiceAccount", "default", name, "", put)
        }
        try write(
            "minions", "v1", "Node", options.nodeName, nil,
            "\"spec\":{},\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}",
            labels: "{\"kubernetes.io/hostname\":\"\(options.nodeName)\",\"vcluster.loft.sh/fake-node\":\"true\"}", put)
        try write(
            "apiextensions.k8s.io/customresourcedefinitions", "apiextensions.k8s.io/v1", "CustomResourceDefinition",
            "ledgers.billing.example.com", nil,
            "\"spec\":{\"group\":\"billing.example.com\",\"names\":{\"plural\":\"ledgers\",\"singular\":\"ledger\","
                + "\"kind\":\"Ledger\",\"listKind\":\"LedgerList\"},\"scope\":\"Namespaced\",\"versions\":[{\"name\":\"v1\","
                + "\"served\":true,\"storage\":true}]}", put)
        for index in 0..<12 {
            try write(
                "billing.example.com/ledgers", "billing.example.com/v1", "Ledger", "ledger-\(index)", "shop",
                "\"spec\":{\"balance\":\(numbers.next() % 10_000)}", put)
        }
        try write(
            "services/specs", "v1", "Service", "kubernetes", "default",
            "\"spec\":{\"ports\":[{\"name\":\"https\",\"port\":443}],\"clusterIP\":\"10.43.0.1\",\"type\":\"ClusterIP\"}",
            put)
        for index in 0..<30 {
            try write(
                "events", "v1", "Event", "web.\(String(numbers.next(), radix: 16))", "shop",
                "\"involvedObject\":{\"kind\":\"Pod\",\"namespace\":\"shop\",\"name\":\"web-\(index)\"},"
                    + "\"reason\":\"Started\",\"message\":\"Started container main\",\"type\":\"Normal\"", lease: 3600,
                put)
        }
    }

    private mutating func writeShop(_ put: Put) throws {
        let template = "{\"metadata\":{\"labels\":{\"app\":\"web\"}},\"spec\":{\"containers\":[\(Self.container)]}}"
        try write(
            "deployments", "apps/v1", "Deployment", "web", "shop",
            "\"spec\":{\"replicas\":2,\"selector\":{\"matchLabels\":{\"app\":\"web\"}},\"template\":\(template)},\"status\":{}",
            labels: "{\"app\":\"web\"}", put)
        for suffix in ["8587d66d4c-kx56q", "8587d66d4c-xnmh5"] {
            try write(
                "pods", "v1", "Pod", "web-\(suffix)", "shop",
                "\"spec\":{\"containers\":[\(Self.container)],\"nodeName\":\"\(options.nodeName)\"},"
                    + "\"status\":{\"phase\":\"Running\"}", labels: "{\"app\":\"web\"}", put)
        }
        try write(
            "statefulsets", "apps/v1", "StatefulSet", "db", "shop",
            "\"spec\":{\"replicas\":1,\"serviceName\":\"db\",\"selector\":{\"matchLabels\":{\"app\":\"db\"}},"
                + "\"template\":\(template)},\"status\":{\"replicas\":1}", labels: "{\"app\":\"db\"}", put)
        try write(
            "pods", "v1", "Pod", "db-0", "shop",
            "\"spec\":{\"volumes\":[{\"name\":\"data\",\"persistentVolumeClaim\":{\"claimName\":\"data-db-0\"}}],"
                + "\"containers\":[\(Self.container)],\"nodeName\":\"\(options.nodeName)\"},\"status\":{\"phase\":\"Running\"}",
            labels: "{\"app\":\"db\"}", put)
        try write(
            "persistentvolumeclaims", "v1", "PersistentVolumeClaim", "data-db-0", "shop",
            "\"spec\":{\"accessModes\":[\"ReadWriteOnce\"],\"resources\":{\"requests\":{\"storage\":\"1Gi\"}},"
                + "\"storageClassName\":\"local-path\",\"volumeMode\":\"Filesystem\"},\"status\":{\"phase\":\"Pending\"}",
            labels: "{\"app\":\"db\"}", put)
        for (name, port) in [("web", 80), ("db", 5432)] {
            try write(
                "services/specs", "v1", "Service", name, "shop",
                "\"spec\":{\"ports\":[{\"port\":\(port),\"protocol\":\"TCP\",\"targetPort\":8080}],"
                    + "\"selector\":{\"app\":\"\(name)\"},\"type\":\"ClusterIP\"}", put)
        }
        try write(
            "ingress", "networking.k8s.io/v1", "Ingress", "web", "shop",
            "\"spec\":{\"rules\":[{\"host\":\"web.example.com\",\"http\":{\"paths\":[{\"path\":\"/\",\"pathType\":\"Prefix\","
                + "\"backend\":{\"service\":{\"name\":\"web\",\"port\":{\"number\":80}}}}]}}]}", put)
        try write(
            "secrets", "v1", "Secret", "db", "shop",
            "\"data\":{\"password\":\"\(Base64.encode(uid()))\"},\"type\":\"Opaque\"", put)
        try write("configmaps", "v1", "ConfigMap", "settings", "shop", "\"data\":{\"mode\":\"prod\"}", put)
    }

    private static let container =
        "{\"name\":\"main\",\"image\":\"rancher/pause:3.1\",\"resources\":{\"requests\":{\"cpu\":\"10m\",\"memory\":\"16Mi\"}}}"

    /// Text that compresses as what is in a real datastore does, to about an eighth: objects of one kind differ in little more
    /// than their names, UIDs and times.
    private mutating func writeFiller(_ number: Int, _ put: Put) throws {
        var text = ""
        text.reserveCapacity(8200)
        var line = 0
        while text.utf8.count < 8000 {
            let value = line % 3 == 0 ? String(numbers.next() >> 20, radix: 36) : "\(line * 7919)"
            text += "\(Self.words[line % 20])-\(Self.words[line * 7 / 20 % 20])=\(value)\\n"
            line += 1
        }
        try write("configmaps", "v1", "ConfigMap", "filler-\(number)", "shop", "\"data\":{\"text\":\"\(text)\"}", put)
        if number % 10 == 0 {
            try write(
                "configmaps", "v1", "ConfigMap", "filler-\(number)", "shop",
                "\"data\":{\"text\":\"\(text)\",\"turn\":\"2\"}", put)
        }
    }
}
