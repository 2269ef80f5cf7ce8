import Foundation

/// The environment variables that daytwo reads, and the only place that reads them.
enum Environment: String {
    case configuration = "DAYTWO_CONFIG"
    case stateDirectory = "DAYTWO_STATE_DIR"
    case store = "DAYTWO_STORE"
    case configurationHome = "XDG_CONFIG_HOME"
    case stateHome = "XDG_STATE_HOME"
    case home = "HOME"
    case notifySocket = "NOTIFY_SOCKET"
    case watchdogMicroseconds = "WATCHDOG_USEC"
    case terminal = "TERM"
    case temporaryDirectory = "TMPDIR"
    case kubeconfig = "KUBECONFIG"
    case serviceHost = "KUBERNETES_SERVICE_HOST"
    case servicePort = "KUBERNETES_SERVICE_PORT"
    case agentImage = "DAYTWO_AGENT_IMAGE"

    /// Its value; empty counts as not set.
    var value: String? { Self.value(of: rawValue) }

    /// The proxy for HTTPS and the hosts that are reached without it; the lower-case name comes first, as curl has it.
    static var proxy: (address: String?, without: String) {
        (
            value(of: "https_proxy") ?? value(of: "HTTPS_PROXY"),
            value(of: "no_proxy") ?? value(of: "NO_PROXY") ?? ""
        )
    }

    /// The value of a variable that the configuration names; empty counts as not set.
    static func value(of name: String) -> String? {
        guard let text = getenv(name).map({ String(cString: $0) }), !text.isEmpty else { return nil }
        return text
    }

    /// Who runs this, for other people.
    static var user: String { NSUserName() }

    /// All of them, for a program that is started in our place.
    static var all: [String: String] { ProcessInfo.processInfo.environment }
}
