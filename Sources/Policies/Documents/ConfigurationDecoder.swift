internal import FoundationEssentials

/// A document of kind `Configuration`, without what it names.
struct DecodedConfiguration {
    var origin: Origin
    var stateDirectory: String?
    var stores: [ConfiguredStore]
    var hosts: [ConfiguredHost]
    var inventory: [FilePatterns.Pattern]
    var policies: [FilePatterns.Pattern]
    var scheduler: SchedulerSettings
    var historyKeep: TimeInterval
    var metricsTextFile: String?
    var notifications: [NotificationTarget]
    var upgrades: UpgradeSettings
}

struct ConfigurationDecoder {
    let directory: String
    let fields: Fields

    func decode() -> DecodedConfiguration {
        let stateDirectory = fields.path("stateDirectory", in: directory)
        let stores = stores()
        let hosts = hosts()
        let inventory = patterns("inventory")
        let policies = patterns("policies")
        let scheduler = scheduler()
        let history = fields.fields("history")
        let keep = history?.duration("keep", default: "400d") ?? standardDefault("history.keep", "400d", history)
        history?.finish()
        let metrics = fields.fields("metrics")
        let textFile = metrics?.path("textFile", in: directory)
        metrics?.finish()
        let notifications = notifications()
        let upgrades = upgrades()
        fields.finish()
        return DecodedConfiguration(
            origin: fields.origin, stateDirectory: stateDirectory, stores: stores, hosts: hosts,
            inventory: inventory, policies: policies, scheduler: scheduler, historyKeep: keep,
            metricsTextFile: textFile,
            notifications: notifications, upgrades: upgrades)
    }

    private func upgrades() -> UpgradeSettings {
        let values = fields.fields("upgrades")
        let cacheFor = values?.duration("cacheFor", default: "6h") ?? standardDefault("upgrades.cacheFor", "6h", values)
        let origin = values?.node("catalog")?.origin
        let text = values?.string("catalog")
        values?.finish()
        guard let text, let origin else { return UpgradeSettings(catalog: nil, cacheFor: cacheFor, origin: origin) }
        guard text.contains("://") else {
            let path = values?.path("catalog", in: directory)
            return UpgradeSettings(catalog: path.map { .file($0) }, cacheFor: cacheFor, origin: origin)
        }
        if !UpgradePolicyShape.httpAddress.accepts(text) {
            fields.report.add(
                origin,
                "upgrades.catalog is \(String(text.prefix(80)).debugDescription) instead of "
                    + "\(UpgradePolicyShape.httpAddress.expected), or of the path of a file",
                "Write https://update.k3s.io/v1-release/channels for k3s's own.")
        }
        return UpgradeSettings(catalog: .url(text), cacheFor: cacheFor, origin: origin)
    }

    private func stores() -> [ConfiguredStore] {
        guard let stores = fields.fields("stores") else { return [] }
        return stores.keys.compactMap { entry in
            if let why = ClusterName.problem(entry.key) {
                fields.report.add(entry.keyOrigin, "the store \(entry.key.debugDescription) \(why)")
            }
            let path = stores.name(of: entry.key)
            let store = Fields(entry.value, path: path, document: fields.document, report: fields.report)
            let folder = store?.required("path") { store?.path($0, in: directory) }
            store?.finish {
                ["url", "s3", "bucket"].contains($0) ? "Only directories are supported by this version." : nil
            }
            return folder.map { ConfiguredStore(name: entry.key, path: $0, origin: entry.keyOrigin) }
        }
    }

    private func hosts() -> [ConfiguredHost] {
        guard let hosts = fields.fields("hosts") else { return [] }
        return hosts.keys.compactMap { entry in
            if entry.key == InventoryCluster.localHost {
                fields.report.add(
                    entry.keyOrigin, "the host \(entry.key) would be this machine", "Choose another name.")
            } else if let why = ClusterName.problem(entry.key) {
                fields.report.add(entry.keyOrigin, "the host \(entry.key.debugDescription) \(why)")
            }
            let path = hosts.name(of: entry.key)
            guard let host = Fields(entry.value, path: path, document: fields.document, report: fields.report) else {
                return nil
            }
            let kubeconfig = host.path("kubeconfig", in: directory)
            let context = host.string("context")
            let agent = host.fields("agent")
            let image = agent?.string("image")
            let secrets = agent?.strings("imagePullSecrets") ?? []
            let startTimeout = agent?.duration("startTimeout")
            let scratchLimit = agent.flatMap(quantity)
            agent?.finish()
            let requestTimeout = host.duration("requestTimeout")
            host.finish {
                ["token", "password", "certificate"].contains($0) ? "Credentials belong into the kubeconfig." : nil
            }
            return ConfiguredHost(
                name: entry.key, kubeconfig: kubeconfig, context: context, agentImage: image, agentPullSecrets: secrets,
                agentStartTimeout: startTimeout, agentScratchLimit: scratchLimit, requestTimeout: requestTimeout,
                origin: entry.keyOrigin)
        }
    }

    /// An amount of bytes as Kubernetes takes it.
    private func quantity(_ agent: Fields) -> String? {
        guard let text = agent.string("scratchLimit"), let node = agent.node("scratchLimit") else { return nil }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let isKnown = ["Mi", "Gi", "Ti"].contains(text.dropFirst(digits.count))
        guard isKnown, !digits.isEmpty, digits.count < 7, digits.first != "0" else {
            agent.report.add(
                node.origin, "\(agent.name(of: "scratchLimit")) is \(text.debugDescription) instead of an amount",
                "Write 500Mi, 4Gi or 1Ti.")
            return nil
        }
        return text
    }

    private func patterns(_ key: String) -> [FilePatterns.Pattern] {
        (fields.list(key) ?? []).compactMap { node, path in
            fields.text(node, path).map { FilePatterns.Pattern(text: $0, origin: node.origin) }
        }
    }

    private func scheduler() -> SchedulerSettings {
        let standard = SchedulerSettings.standard
        let empty = YAMLNode(origin: fields.origin, content: .mapping([]))
        let values =
            fields.has("scheduler")
            ? fields.fields("scheduler")
            : Fields(empty, path: "scheduler", document: fields.document, report: fields.report)
        guard let values else { return standard }
        defer { values.finish() }
        return SchedulerSettings(
            maxRunning: values.integer("maxRunning", 1...1000, default: standard.maxRunning) ?? standard.maxRunning,
            maxRunningPerStore: values.integer("maxRunningPerStore", 1...1000, default: standard.maxRunningPerStore)
                ?? standard.maxRunningPerStore,
            maxRunningPerHost: values.integer("maxRunningPerHost", 1...1000, default: standard.maxRunningPerHost)
                ?? standard.maxRunningPerHost)
    }

    /// The default of a value in a mapping that is not there.
    private func standardDefault(_ path: String, _ value: String, _ present: Fields?) -> TimeInterval {
        if present == nil {
            fields.report.add(
                ConfigurationSetting(document: fields.document, path: path, value: value, origin: nil))
        }
        return WrittenDuration.seconds(value) ?? 0
    }

    private func notifications() -> [NotificationTarget] {
        var names: [String: Origin] = [:]
        return (fields.list("notifications") ?? []).compactMap { node, path in
            guard let target = Fields(node, path: path, document: fields.document, report: fields.report) else {
                return nil
            }
            let name = target.required("name", target.string)
            let origin = target.node("name")?.origin ?? target.origin
            if let name, let first = names.updateValue(origin, forKey: name) {
                fields.report.add(origin, "the notification \(name.debugDescription) is there already, at \(first)")
            }
            let events = target.required("on", target.list)?.compactMap { node, path -> NotificationTarget.Event? in
                target.choice(node, path)
            }
            if let events, events.isEmpty, let on = target.node("on") {
                fields.report.add(on.origin, "\(path).on names no event")
            }
            let channel = channel(target)
            target.finish()
            guard let name, let events, let channel else { return nil }
            return NotificationTarget(name: name, events: Set(events), channel: channel, origin: origin)
        }
    }

    private func channel(_ target: Fields) -> NotificationTarget.Channel? {
        let webhook = target.fields("webhook").flatMap(webhook)
        let command = target.strings("command")
        guard target.has("webhook") != target.has("command") else {
            let count = target.has("webhook") ? "only one" : "one"
            fields.report.add(target.origin, "\(target.path) needs \(count) of webhook and command")
            return nil
        }
        guard let command else { return webhook }
        guard let program = command.first else {
            if let node = target.node("command") { fields.report.add(node.origin, "\(target.path).command is empty") }
            return nil
        }
        guard program.hasPrefix("/") else {
            fields.report.add(
                target.node("command")?.origin ?? target.origin,
                "\(target.path).command begins with \(program.debugDescription), which is no absolute path",
                "Write the whole path of the program: cron and systemd have other search paths than your shell.")
            return nil
        }
        return .command(command)
    }

    private func webhook(_ webhook: Fields) -> NotificationTarget.Channel? {
        let url = webhook.url(in: directory)
        let format = webhook.choice("format", default: NotificationTarget.Format.generic)
        let template = webhook.path("templateFile", in: directory)
        let header = webhook.path("headerFile", in: directory)
        webhook.finish {
            ["header", "headers", "token"].contains($0) ? "Put headers into a file and write headerFile." : nil
        }
        guard let url, let format else { return nil }
        return .webhook(url: url, format: format, templateFile: template, headerFile: header)
    }
}
