import Failures
import Kubernetes
import Threads

/// Lists of several kinds, some at once: each takes as long as the way to the host and back, and there are two dozen.
struct HostLists: Sendable {
    private static let width = 4

    let client: KubernetesClient
    let kinds: [ResourceType]
    let namespace: String?

    typealias Answer = Result<[KubernetesObject], Failure>

    /// The answers, by the numbers of the kinds. After one for which `isFatal` says so no more is asked for.
    func answers(isFatal: @escaping @Sendable (ResourceType, Failure) -> Bool) throws(Failure) -> [Answer?] {
        let progress = Monitor(Progress(answers: [Answer?](repeating: nil, count: kinds.count)))
        // The first alone: where credentials or rights are missing, the host is asked once.
        takeOne(progress, isFatal)
        var threads: [OwnedThread] = []
        for _ in 0..<min(Self.width, kinds.count) - 1 {
            threads.append(try OwnedThread { while takeOne(progress, isFatal) {} })
        }
        while takeOne(progress, isFatal) {}
        for thread in threads { try thread.result().get() }
        return progress.change { $0.answers }
    }

    private struct Progress: Sendable {
        var next = 0
        var isOver = false
        var answers: [Answer?]
    }

    /// Whether there is more to do.
    @discardableResult
    private func takeOne(
        _ progress: Monitor<Progress>, _ isFatal: @Sendable (ResourceType, Failure) -> Bool
    ) -> Bool {
        let number = progress.change { progress -> Int? in
            guard !progress.isOver, progress.next < kinds.count else { return nil }
            defer { progress.next += 1 }
            return progress.next
        }
        guard let number else { return false }
        let kind = kinds[number]
        let answer: Answer
        do throws(Failure) {
            answer = .success(try client.list(kind, in: kind.isNamespaced ? namespace : nil).objects)
        } catch {
            answer = .failure(error)
        }
        progress.change { progress in
            progress.answers[number] = answer
            if case .failure(let failure) = answer, isFatal(kind, failure) { progress.isOver = true }
        }
        return true
    }
}
