internal import JSONValues
internal import Kubernetes

/// What a server is told by its arguments, its environment and its configuration file, in that order, as k3s takes them.
struct ServerSettings {
    let layout: RecognizedLayout
    let template: PodTemplate
    let surroundings: Surroundings

    private let file: Surroundings.Given?
    private let fileValues: JSONValue?

    init(_ layout: RecognizedLayout, _ template: PodTemplate, _ surroundings: Surroundings) {
        self.layout = layout
        self.template = template
        self.surroundings = surroundings
        let path =
            layout.arguments?.value(of: "--config", "-c")
            ?? surroundings.variable("K3S_CONFIG_FILE", of: layout.runner)?.text ?? "/etc/rancher/k3s/config.yaml"
        file = surroundings.file(FilePath.normalized(path), of: layout.runner, in: template)
        fileValues = file?.text.flatMap { try? YAMLText.json($0) }
    }

    /// Where a setting stands, and its value as far as it can be read.
    struct Setting {
        enum Place { case argument, environment(String), file }
        let place: Place
        let given: Surroundings.Given
    }

    /// The Secret with the configuration file, where that is one.
    var fileSecret: String? { file?.secret }

    /// Whether there is a configuration file that cannot be read.
    var hasUnreadableFile: Bool { file != nil && fileValues == nil }

    func setting(_ flags: [String], _ variable: String, _ key: String) -> Setting? {
        for flag in flags {
            guard let word = layout.arguments?.value(of: flag) else { continue }
            return Setting(place: .argument, given: surroundings.expanded(word, of: layout.runner))
        }
        if let given = surroundings.variable(variable, of: layout.runner), given.text != "" {
            return Setting(place: .environment(variable), given: given)
        }
        guard let value = fileValues?[key], value != .null else { return nil }
        let text = value.stringValue ?? value.boolValue.map { $0 ? "true" : "false" }
        return Setting(place: .file, given: Surroundings.Given(text: text, secret: file?.secret, key: file?.key))
    }

    func isSet(_ flag: String, _ variable: String, _ key: String) -> Bool {
        if layout.arguments?.isSet(flag) ?? false { return true }
        return ["true", "1"].contains(setting([], variable, key)?.given.text ?? "")
    }

    /// The data directory.
    var dataDirectory: String {
        guard layout.distribution == .k3s else { return "/data" }
        let told = setting(["--data-dir", "-d"], "K3S_DATA_DIR", "data-dir")?.given.text
        return FilePath.normalized(told ?? RecognizedLayout.k3sDirectory)
    }
}
