// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "daytwo",
    products: [
        .executable(name: "daytwo", targets: ["DaytwoCLI"]),
        .executable(name: "daytwo-sandbox", targets: ["SandboxCLI"]),
    ],
    dependencies: [
        // Subcommands, help, completions and man pages from one definition.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        // SQLite: ten years of a well-kept wrapper, with the raw handles where rows must stream.
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        // SHA-256, AES-GCM and PBKDF2 from BoringSSL, in constant time where it matters.
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        // YAML with the place of each node, for errors that name file, line and column.
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        // The sandbox's server: HTTP, WebSocket and TLS with client certificates, as a host has them. Nothing else uses them.
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        // The certificates of the sandbox's hosts and virtual clusters.
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
    ],
    targets: [
        // Not linked but loaded when it is needed (decision 27): only its headers are.
        .target(name: "CCurl"),
        .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])]),
        .target(name: "Failures"),
        .target(name: "JSONValues", dependencies: ["Failures"]),
        .target(name: "Threads", dependencies: ["Failures"]),
        .target(name: "Files", dependencies: ["CLinux", "Failures"]),
        .target(name: "Processes", dependencies: ["CLinux", "Failures", "Files"]),
        .target(
            name: "AgentProtocol",
            dependencies: [
                "CLinux", "Failures", "Files", "JSONValues", "Processes", "Threads",
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        .target(
            name: "Archive",
            dependencies: [
                "CArchive", "CZstd", "Failures", "Files", "JSONValues", "Threads",
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        .target(
            name: "Datastore",
            dependencies: [
                "CArchive", "CSQLite", "Failures", "Files", "JSONValues", "Threads",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ]),
        .target(
            name: "Stores",
            dependencies: ["Failures", "Files", "JSONValues", .product(name: "Crypto", package: "swift-crypto")]),
        .target(name: "Transfer", dependencies: ["CCurl", "Failures"]),
        .target(
            name: "Kubernetes",
            dependencies: [
                "Failures", "Files", "JSONValues", "Processes", "Threads", "Transfer",
                .product(name: "Crypto", package: "swift-crypto"), .product(name: "Yams", package: "Yams"),
            ]),
        .target(
            name: "VirtualClusters",
            dependencies: [
                "Failures", "JSONValues", "Kubernetes", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Yams", package: "Yams"),
            ]),
        .target(
            name: "Policies",
            dependencies: ["Failures", "Files", "JSONValues", .product(name: "Yams", package: "Yams")]),
        .target(
            name: "Jobs",
            dependencies: ["Failures", "Files", "Policies", .product(name: "GRDB", package: "GRDB.swift")]),
        // A server of its own for two pages: FlyingFox bounds neither a request line nor a client's slowness.
        .target(
            name: "Monitoring",
            dependencies: ["CLinux", "Failures", "Files", "Processes", "Threads", "Transfer"]),
        .target(
            name: "Operations",
            dependencies: [
                "AgentProtocol", "Archive", "CLinux", "Datastore", "Failures", "Files", "Jobs", "JSONValues",
                "Kubernetes", "Monitoring", "Policies", "Processes", "Stores", "Threads", "Transfer",
                "VirtualClusters",
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        .executableTarget(
            name: "DaytwoCLI",
            dependencies: [
                "AgentProtocol", "Archive", "Datastore", "Failures", "Files", "Jobs", "JSONValues", "Kubernetes",
                "Monitoring", "Operations", "Policies", "Processes", "Stores", "Threads", "Transfer",
                "VirtualClusters",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .target(
            name: "Sandbox",
            dependencies: [
                "CLinux", "Failures", "Files", "JSONValues", "Kubernetes", "Processes",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
                .product(name: "Yams", package: "Yams"),
            ]),
        .executableTarget(
            name: "SandboxCLI",
            dependencies: ["Failures", "Sandbox", .product(name: "ArgumentParser", package: "swift-argument-parser")]),
        .testTarget(
            name: "SandboxTests",
            dependencies: [
                "Failures", "Files", "JSONValues", "Kubernetes", "Processes", "Sandbox", "SandboxCLI",
                .product(name: "Crypto", package: "swift-crypto"), .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        .testTarget(
            name: "KubernetesTests",
            dependencies: ["Failures", "Files", "JSONValues", "Kubernetes", "Processes", "Threads", "Transfer"]),
        .testTarget(name: "JSONValuesTests", dependencies: ["Failures", "JSONValues"]),
        .testTarget(
            name: "AgentProtocolTests", dependencies: ["AgentProtocol", "Failures", "Files", "JSONValues", "Processes"]),
        .testTarget(name: "FilesTests", dependencies: ["Failures", "Files"]),
        .testTarget(
            name: "ArchiveTests",
            dependencies: [
                "Archive", "CZstd", "Failures", "Files", "JSONValues",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            exclude: ["Fixtures"]),
        .testTarget(name: "DatastoreTests", dependencies: ["Datastore", "Failures", "Files", "JSONValues"]),
        .testTarget(
            name: "JobsTests",
            dependencies: ["Failures", "Files", "Jobs", "Policies", .product(name: "GRDB", package: "GRDB.swift")]),
        .testTarget(
            name: "MonitoringTests", dependencies: ["Failures", "Files", "Monitoring", "Processes", "Transfer"]),
        .testTarget(name: "ProcessesTests", dependencies: ["Failures", "Files", "Processes"]),
        .testTarget(name: "TransferTests", dependencies: ["Failures", "Files", "Processes", "Transfer"]),
        .testTarget(
            name: "PoliciesTests", dependencies: ["Failures", "Files", "JSONValues", "Policies"],
            exclude: ["Support/cron_model.py", "Support/retention_model.py", "Support/zones.py"]),
        .testTarget(
            name: "SchedulingTests",
            // The executable is a dependency for its schedules' entries: what the year runs is what the scheduler runs.
            dependencies: ["DaytwoCLI", "Failures", "Files", "Jobs", "Operations", "Policies", "Stores"],
            exclude: ["Support/year_model.py"]),
        .testTarget(
            name: "VirtualClustersTests", dependencies: ["Failures", "JSONValues", "Kubernetes", "VirtualClusters"],
            exclude: ["Layouts"]),
        .testTarget(name: "StoresTests", dependencies: ["Failures", "Files", "JSONValues", "Stores"]),
        .testTarget(
            name: "OperationsTests",
            // The executable is a dependency so that it is built: kill tests run the real binary.
            dependencies: [
                "AgentProtocol", "Archive", "Datastore", "DaytwoCLI", "Failures", "Files", "Jobs", "JSONValues",
                "Kubernetes",
                "Operations", "Policies", "Processes", "Stores", "VirtualClusters",
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        .testTarget(
            name: "CommandTests", dependencies: ["DaytwoCLI"], exclude: ["Snapshots", "Support/forge.py"]),
    ]
)

for target in package.targets where target.type != .system {
    target.swiftSettings = [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .treatAllWarnings(as: .error),
        .treatWarning("DeprecatedDeclaration", as: .warning),
    ]
}
