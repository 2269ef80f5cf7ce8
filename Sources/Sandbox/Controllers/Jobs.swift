internal import FoundationEssentials
internal import JSONValues

extension HostCluster {
    /// One step of a Job: its pod, its deadline, its retries, and its removal after the time to live.
    func reconcile(job object: JSONValue) {
        let name = ObjectName(of: object)
        guard object["metadata", "deletionTimestamp"] == nil else { return }
        if let finished = Self.finishTime(of: object) { return expire(object, name, finished) }
        let uid = object.text("metadata", "uid") ?? ""
        let pods = store.list(.pods, namespace: name.namespace).filter { isOwned($0, by: uid) }
        let active = pods.filter {
            !["Failed", "Succeeded"].contains($0.text("status", "phase")) && $0["metadata", "deletionTimestamp"] == nil
        }
        let failed = pods.filter { $0.text("status", "phase") == "Failed" }.count
        let succeeded = pods.filter { $0.text("status", "phase") == "Succeeded" }.count
        let started = object.text("status", "startTime") ?? Moment.now()
        if let limit = object.number("spec", "activeDeadlineSeconds") {
            let end = (Moment.parse(started) ?? Date()).addingTimeInterval(Double(limit))
            let left = end.timeIntervalSinceNow
            if left <= 0 {
                for pod in active { remove(.pods, ObjectName(of: pod)) }
                return finish(
                    object, failed: failed + active.count, succeeded, started, "DeadlineExceeded",
                    "Job was active longer than specified deadline")
            }
            touch(name.namespace, after: .seconds(left + 0.05))
        }
        if failed > Int(object.number("spec", "backoffLimit") ?? 6) {
            for pod in active { remove(.pods, ObjectName(of: pod)) }
            return finish(
                object, failed: failed, succeeded, started, "BackoffLimitExceeded",
                "Job has reached the specified backoff limit")
        }
        if succeeded >= Int(object.number("spec", "completions") ?? 1) {
            return finish(object, failed: failed, succeeded, started, nil, nil)
        }
        var count = active.count
        if active.isEmpty, object["spec", "suspend"]?.boolValue != true, startPod(of: object) { count = 1 }
        setStatus(object, conditions: nil, started, active: count, failed: failed, succeeded: succeeded)
    }

    /// Makes its pod; what the API refuses is an event of the Job, which stays, and is tried again.
    private func startPod(of object: JSONValue) -> Bool {
        let name = ObjectName(of: object)
        do throws(APIError) {
            let pod = try createPod(from: object, .jobs, prefix: "\(name.name)-")
            report(
                "SuccessfulCreate", "Created pod: \(ObjectName(of: pod).name)", about: object, .jobs,
                from: .controller("job-controller"))
            return true
        } catch {
            report(
                "FailedCreate", "Error creating: \(error.message)", about: object, .jobs,
                from: .controller("job-controller"), isWarning: true)
            touch(name.namespace, after: .seconds(1))
            return false
        }
    }

    private static func finishTime(of object: JSONValue) -> String? {
        object.list("status", "conditions").first {
            ["Complete", "Failed"].contains($0.text("type")) && $0.text("status") == "True"
        }?.text("lastTransitionTime")
    }

    private func finish(
        _ object: JSONValue, failed: Int, _ succeeded: Int, _ started: String, _ reason: String?, _ message: String?
    ) {
        let moment = Moment.now()
        let condition = JSONValue.members([
            "type": .string(reason == nil ? "Complete" : "Failed"), "status": .string("True"),
            "lastProbeTime": .string(moment), "lastTransitionTime": .string(moment),
            "reason": reason.map(JSONValue.string), "message": message.map(JSONValue.string),
        ])
        report(
            reason ?? "Completed", message ?? "Job completed", about: object, .jobs,
            from: .controller("job-controller"),
            isWarning: reason != nil)
        setStatus(object, conditions: [condition], started, active: 0, failed: failed, succeeded: succeeded)
    }

    private func setStatus(
        _ object: JSONValue, conditions: [JSONValue]?, _ started: String, active: Int, failed: Int, succeeded: Int
    ) {
        func count(_ number: Int) -> JSONValue? { number == 0 ? nil : .integer(number) }
        let isComplete = conditions?.first?.text("type") == "Complete"
        let status = JSONValue.members([
            "conditions": conditions.map(JSONValue.array), "startTime": .string(started),
            "completionTime": isComplete ? .string(Moment.now()) : nil, "active": count(active),
            "succeeded": count(succeeded), "failed": count(failed),
        ])
        change(.jobs, ObjectName(of: object)) { $0.set("status", to: status) }
    }

    private func expire(_ object: JSONValue, _ name: ObjectName, _ finished: String) {
        guard let limit = object.number("spec", "ttlSecondsAfterFinished") else { return }
        let end = (Moment.parse(finished) ?? Date()).addingTimeInterval(Double(limit))
        let left = end.timeIntervalSinceNow
        if left <= 0 { remove(.jobs, name) } else { touch(name.namespace, after: .seconds(left + 0.05)) }
    }
}
