internal import Failures
internal import FoundationEssentials

extension UpgradePolicyDecoder {
    func gates(_ value: ShapedValue?) -> UpgradeGates? {
        guard let value else { return nil }
        let before = list(value["before"], BuiltInGate.beforeStep, value.origin)
        let after = list(value["after"], BuiltInGate.afterStep, value.origin)
        let during = list(value["during"], [], value.origin)
        for gate in before {
            guard case .builtIn(let check) = gate.check, [.versionMatches, .workloadsNotWorse].contains(check) else {
                continue
            }
            report.add(
                gate.origin, "the gate \(gate.name) can only be told after a step", "Put it under after or during.")
        }
        for gate in during {
            guard case .builtIn(let check) = gate.check, !BuiltInGate.whileWatched.contains(check) else { continue }
            report.add(
                gate.origin, "the gate \(gate.name) cannot be told while a cluster is watched",
                "Put it under before; during takes \(BuiltInGate.whileWatched.map(\.rawValue).joined(separator: ", ")) "
                    + "and checks of your own.")
        }
        if let every = value["every"], during.isEmpty {
            report.add(every.origin, "\(every.path) says how often during is looked at, and there is nothing in it")
        }
        let names = Set((before + after + during).map(\.name))
        let overrides = (value["overrides"]?.list ?? []).compactMap { override($0, names) }
        return UpgradeGates(
            before: before, after: after, during: during, every: value["every"]?.seconds ?? 0, overrides: overrides)
    }

    private func list(_ value: ShapedValue?, _ standard: [BuiltInGate], _ origin: Origin) -> [UpgradeGate] {
        guard let value else {
            return standard.map {
                UpgradeGate(
                    name: $0.rawValue, check: .builtIn($0), timeout: 60, retries: 2, onUnknown: .fail, origin: origin)
            }
        }
        var names: [String: Origin] = [:]
        let gates = value.list.compactMap(gate)
        for gate in gates {
            if let first = names.updateValue(gate.origin, forKey: gate.name) {
                report.add(gate.origin, "the gate \(gate.name) is there already, at \(first)")
            }
        }
        return gates
    }

    private func gate(_ value: ShapedValue) -> UpgradeGate? {
        if let check = value.choice(BuiltInGate.self) {
            return UpgradeGate(
                name: check.rawValue, check: .builtIn(check), timeout: 60, retries: 2, onUnknown: .fail,
                origin: value.origin)
        }
        guard let check = check(value), let timeout = value["timeout"]?.seconds,
            let retries = value["retries"]?.integer, let unknown = value["onUnknown"]?.choice(UpgradeGate.Unknown.self)
        else { return nil }
        let name: String
        switch (check, value["name"]) {
        case (.builtIn(let check), nil): name = check.rawValue
        case (.builtIn, let given?):
            report.add(given.origin, "\(given.path): a check of daytwo's own has its name already")
            return nil
        case (_, let given?): name = given.text ?? ""
        case (_, nil):
            report.add(value.origin, "\(value.path).name is missing")
            return nil
        }
        if BuiltInGate(rawValue: name) != nil, value["check"] == nil {
            report.add(value.origin, "the gate \(name) has the name of a check of daytwo's own")
        }
        return UpgradeGate(
            name: name, check: check, timeout: timeout, retries: retries, onUnknown: unknown, origin: value.origin)
    }

    private func check(_ value: ShapedValue) -> UpgradeGate.Check? {
        if let check = value["check"]?.choice(BuiltInGate.self) { return .builtIn(check) }
        if let url = value["http"]?["url"]?.text { return .http(url: url) }
        if let command = value["command"] {
            guard command.strings.first?.hasPrefix("/") == true else {
                report.add(
                    command.origin, "\(command.path) does not begin with an absolute path",
                    "Write the whole path of the program.")
                return nil
            }
            return .command(command.strings)
        }
        guard let resource = value["resource"], let apiVersion = resource["apiVersion"]?.text,
            let kind = resource["kind"]?.text, let name = resource["name"]?.text, let path = resource["path"]?.text,
            let equals = resource["equals"]?.text
        else { return nil }
        return .resource(
            ResourceGate(
                apiVersion: apiVersion, kind: kind, namespace: resource["namespace"]?.text, name: name, path: path,
                equals: equals))
    }

    private func override(_ value: ShapedValue, _ names: Set<String>) -> GateOverride? {
        guard let gate = value["gate"], let name = gate.text, let reason = value["reason"]?.text,
            let expires = value["expires"]?.text.flatMap({ UTCMoment.parse($0) })
        else { return nil }
        guard names.contains(name) else {
            let near = Suggestion.nearest(to: name, among: names.sorted()).map { "Did you mean \($0)?" }
            report.add(
                gate.origin, "\(gate.path): the policy has no gate \(name.debugDescription)",
                near ?? "It has \(names.sorted().joined(separator: ", ")).")
            return nil
        }
        return GateOverride(
            gate: name, reason: reason, expires: expires, clusters: value["clusters"]?.strings ?? [],
            origin: value.origin)
    }
}
