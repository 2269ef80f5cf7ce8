public import ArgumentParser
import Failures
import Foundation
public import Sandbox

@main
struct SandboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "daytwo-sandbox",
        abstract: "Simulated host clusters on loopback, with virtual clusters on them.",
        discussion:
            "For rehearsals, demos and tests: no Kubernetes, no container is needed. See the documentation's page Sandbox.",
        subcommands: [Up.self, Down.self, Status.self, FaultCommand.self, User.self])
}

/// Where the sandbox is.
struct State: ParsableArguments {
    @Option(help: "The directory of the sandbox: volumes, kubeconfigs, control socket.")
    var state = FileManager.default.homeDirectoryForCurrentUser.path + "/.local/state/daytwo-sandbox"

    var directory: String { state.hasPrefix("/") ? state : FileManager.default.currentDirectoryPath + "/" + state }
}

/// Shows a failure as daytwo does, and ends with an exit code of its class.
func reporting(_ body: () async throws -> Void) async throws {
    do { try await body() } catch let failure as Failure {
        FileHandle.standardError.write(Data("daytwo-sandbox: \(failure.description)\n".utf8))
        if let next = failure.next { FileHandle.standardError.write(Data("  \(next)\n".utf8)) }
        // The same codes as daytwo's.
        let code: Int32 =
            switch failure.code {
            case .refused: 4
            case .locked: 6
            case .unreachable: 7
            case .notFound: 11
            case .usage: 64
            default: 1
            }
        throw ExitCode(code)
    }
}

extension Generation: ExpressibleByArgument {}
extension HostFault.Kind: ExpressibleByArgument {}

extension SandboxCommand {
    struct Up: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Start a sandbox and stay until SIGINT, SIGTERM or `down`.",
            discussion:
                "Prints the path of each host's kubeconfig. What an earlier sandbox left in the directory is removed.")

        @OptionGroup var place: State
        @Option(help: "How many hosts: host-1 and so on, at most 4.") var hosts = 2
        @Option(help: "How many virtual clusters, spread over the hosts.") var clusters = 6
        @Option(help: "The daytwo program that agents on the hosts run.") var daytwo: String?
        @Option(help: "Bytes of values in each virtual cluster's datastore.") var size = 1_000_000
        @Option(
            parsing: .upToNextOption,
            help: "Layouts of the virtual clusters, in turn: A to E, k3k (needs etcd and etcdctl). A to D unless told.")
        var generation: [Generation] = []
        @Option(help: "The version of Kubernetes that the hosts claim to be.") var hostVersion = "v1.31.4+k3s1"
        @Option(help: "Seconds that a virtual control plane takes to start.") var startSeconds = 0.5

        func run() async throws {
            try await reporting {
                let sandbox = try await Sandbox.start(
                    SandboxOptions(
                        directory: place.directory, hosts: hosts, clusters: clusters, daytwo: daytwo.map(absolute),
                        size: size, generations: generation.isEmpty ? Generation.k3s : generation,
                        hostVersion: hostVersion, startSeconds: startSeconds))
                for path in await sandbox.kubeconfigs { print(path) }
                fflush(nil)
                let sources = [SIGINT, SIGTERM].map { number in
                    signal(number, SIG_IGN)
                    let source = DispatchSource.makeSignalSource(signal: number)
                    source.setEventHandler { Task { await sandbox.stop() } }
                    source.resume()
                    return source
                }
                await sandbox.waitUntilStopped()
                for source in sources { source.cancel() }
            }
        }

        private func absolute(_ path: String) -> String {
            path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
        }
    }

    struct Down: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Stop the sandbox.")
        @OptionGroup var place: State

        func run() async throws {
            try await reporting { print(try ControlClient(directory: place.directory).down(), terminator: "") }
        }
    }

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show hosts, virtual clusters and faults as JSON.")
        @OptionGroup var place: State

        func run() async throws {
            try await reporting { print(try ControlClient(directory: place.directory).status(), terminator: "") }
        }
    }

    struct FaultCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "fault",
            abstract: "Let something go wrong on a host, or end it.",
            discussion: "Faults: " + HostFault.Kind.allCases.map(\.rawValue).joined(separator: ", "))

        @OptionGroup var place: State
        @Argument(help: "What goes wrong; with --clear and nothing here, all of it.") var name: HostFault.Kind?
        @Option(help: "The host.") var host = "host-1"
        @Option(help: "NAMESPACE/NAME of a workload; everything on the host unless told.") var on: String?
        @Option(help: "How much, how long, or which.") var value: String?
        @Flag(help: "End the fault.") var clear = false

        func run() async throws {
            try await reporting {
                let client = ControlClient(directory: place.directory)
                if clear {
                    print(try client.clear(name, on: on, host: host), terminator: "")
                } else if let name {
                    print(try client.inject(HostFault(name, on: on, value: value), host: host), terminator: "")
                } else {
                    throw Failure(.usage, "a fault needs a name", next: "See: daytwo-sandbox help fault")
                }
            }
        }
    }

    struct User: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a kubeconfig for a user without rights; roles and bindings give some.")
        @OptionGroup var place: State
        @Argument(help: "The user.") var name: String
        @Option(help: "The host.") var host = "host-1"
        @Option(help: "A group of the user; may be given several times.") var group: [String] = []
        @Flag(help: "With a certificate that is no longer valid.") var expired = false

        func run() async throws {
            try await reporting {
                let client = ControlClient(directory: place.directory)
                print(try client.user(name, groups: group, isExpired: expired, host: host), terminator: "")
            }
        }
    }
}
