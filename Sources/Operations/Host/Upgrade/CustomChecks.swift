import Failures
import Foundation
import JSONValues
import Policies
import Processes
import Transfer

/// The checks that a policy gives itself: a request, a program, a value in an object of the virtual cluster.
struct CustomChecks {
    private static let pause = Duration.seconds(1)
    private static let mostOutput = 400

    let context: OperationContext
    let environment: [String: String]
    /// Waits between two tries.
    let sleep: (Duration) throws(Failure) -> Void
    /// Whether what nobody could tell stays so, instead of what its gate makes of it.
    var keepsUnknown = false

    /// The verdicts, in their order. Built-in ones are made elsewhere.
    func verdicts(
        _ gates: [UpgradeGate], _ conversation: VirtualAPI.Conversation?
    ) throws(Failure) -> [UpgradeCheck] {
        var checks: [UpgradeCheck] = []
        for gate in gates {
            if case .builtIn = gate.check { continue }
            checks.append(try verdict(gate, conversation))
        }
        return checks
    }

    private func verdict(
        _ gate: UpgradeGate, _ conversation: VirtualAPI.Conversation?
    ) throws(Failure) -> UpgradeCheck {
        var last = UpgradeCheck(gate.name, .unknown, "it was not tried")
        for attempt in 0...max(0, gate.retries) {
            if attempt > 0 { try sleep(Self.pause) }
            try context.checkStop()
            last = try once(gate, conversation)
            if last.verdict == .passed { return last }
        }
        guard last.verdict == .unknown, !keepsUnknown else { return last }
        return UpgradeCheck(gate.name, gate.onUnknown == .pass ? .passed : .failed, "nothing can be told: \(last.text)")
    }

    private func once(_ gate: UpgradeGate, _ conversation: VirtualAPI.Conversation?) throws(Failure) -> UpgradeCheck {
        switch gate.check {
        case .builtIn: return UpgradeCheck(gate.name, .unknown, "it is daytwo's own")
        case .http(let url): return try request(url, gate)
        case .command(let words): return try program(words, gate)
        case .resource(let value): return try object(value, gate, conversation)
        }
    }

    private func request(_ url: String, _ gate: UpgradeGate) throws(Failure) -> UpgradeCheck {
        do throws(Failure) {
            let answer = try HTTPClient().exchange(
                HTTPRequest("GET", url, timeout: .seconds(gate.timeout), responseLimit: 1 << 20),
                checkStop: context.checkStop)
            let isGood = (200..<300).contains(answer.status)
            return UpgradeCheck(gate.name, isGood ? .passed : .failed, "it is answered with \(answer.status)")
        } catch {
            try context.checkStop()
            // A URL may hold a secret: only the reason is told.
            return UpgradeCheck(gate.name, .unknown, error.why ?? "it is not answered")
        }
    }

    private func program(_ words: [String], _ gate: UpgradeGate) throws(Failure) -> UpgradeCheck {
        guard let first = words.first else { return UpgradeCheck(gate.name, .unknown, "no program is named") }
        do throws(Failure) {
            let ended = try CompletedProcess.run(
                ProcessCommand(first, Array(words.dropFirst()), environment: environment),
                deadline: .seconds(gate.timeout), uptime: context.uptime, checkStop: context.checkStop)
            if ended.timedOut {
                return UpgradeCheck(gate.name, .unknown, "it did not end within \(Int(gate.timeout)) s")
            }
            let output =
                String(decoding: ended.output.prefix(Self.mostOutput), as: UTF8.self)
                .split(separator: "\n").first.map { ": \($0)" } ?? ""
            return UpgradeCheck(gate.name, ended.end == .exited(0) ? .passed : .failed, "\(ended.end)\(output)")
        } catch {
            try context.checkStop()
            return UpgradeCheck(gate.name, .unknown, error.description)
        }
    }

    private func object(
        _ wanted: ResourceGate, _ gate: UpgradeGate, _ conversation: VirtualAPI.Conversation?
    ) throws(Failure) -> UpgradeCheck {
        func unknown(_ why: String) -> UpgradeCheck { UpgradeCheck(gate.name, .unknown, why) }
        guard let conversation else { return unknown("the virtual API cannot be asked") }
        let base = wanted.apiVersion.contains("/") ? "/apis/\(wanted.apiVersion)" : "/api/\(wanted.apiVersion)"
        let kinds = try conversation.get([base]).answers[0]
        guard let listed = kinds.json else {
            return unknown("the virtual API does not serve \(wanted.apiVersion)")
        }
        let found = (listed["resources"]?.arrayValue ?? []).first {
            $0["kind"]?.stringValue == wanted.kind && $0["name"]?.stringValue?.contains("/") == false
        }
        guard let plural = found?["name"]?.stringValue else {
            return unknown("the virtual API has no kind \(wanted.kind) in \(wanted.apiVersion)")
        }
        let place = wanted.namespace.map { "/namespaces/\($0)" } ?? ""
        let answer = try conversation.get(["\(base)\(place)/\(plural)/\(wanted.name)"]).answers[0]
        guard answer.status == 200, let object = answer.json
        else {
            return answer.status == 404
                ? UpgradeCheck(gate.name, .failed, "\(wanted.kind) \(wanted.name) is not there")
                : unknown(answer.problem ?? "status \(answer.status ?? 0)")
        }
        var value: JSONValue? = object
        for part in wanted.path.split(separator: ".") { value = value?[String(part)] }
        let text = value?.stringValue ?? value.map { $0.compact } ?? "nothing"
        return UpgradeCheck(
            gate.name, text == wanted.equals ? .passed : .failed,
            "\(wanted.kind) \(wanted.name) has \(wanted.path) \(String(text.prefix(80))), and \(wanted.equals) is wanted"
        )
    }
}
