import Failures
import Testing
import Transfer

@Suite struct RetryTests {
    let retry = Retry(attempts: 6, firstDelay: .seconds(1), longestDelay: .seconds(10))
    let passing = Failure(.unreachable, "no answer")

    @Test func `the wait doubles up to its bound, and ends with the attempts`() {
        let longest = (1...7).map { retry.delay(after: $0, passing, random: 0.999_999) }
        let shortest = (1...7).map { retry.delay(after: $0, passing, random: 0) }
        #expect(shortest == [.seconds(0.5), .seconds(1), .seconds(2), .seconds(4), .seconds(5), nil, nil])
        for (delay, bound) in zip(longest, [1, 2, 4, 8, 10]) {
            #expect(delay.map { $0 <= .seconds(bound) && $0 > .seconds(Double(bound) * 0.99) } == true)
        }
        #expect(longest.suffix(2) == [nil, nil])
    }

    @Test func `no number of attempts overflows`() {
        let endless = Retry(attempts: .max, firstDelay: .seconds(1), longestDelay: .seconds(3600))
        #expect(endless.delay(after: 1_000_000, passing, random: 0) == .seconds(1800))
        #expect(Retry(firstDelay: .zero).delay(after: 1, passing, random: 0.5) == .zero)
    }

    @Test(arguments: Failure.Code.allCases) func `only the named classes are tried again`(code: Failure.Code) {
        let wait = retry.delay(after: 1, Failure(code, "x"), random: 0)
        #expect((wait != nil) == (code == .unreachable))
    }

    @Test func `a server is left alone as long as it asks`() throws {
        let busy = try #require(HTTPResponse(status: 429, retryAfter: .seconds(60)).failure(at: "https://h"))
        #expect(retry.delay(after: 1, busy, random: 0.5) == .seconds(60))
        // Also where the answer was wrapped on its way.
        #expect(retry.delay(after: 1, busy.raised(to: .unreachable, "store"), random: 0.5) == .seconds(60))
        let soon = try #require(HTTPResponse(status: 503, retryAfter: .milliseconds(1)).failure(at: "https://h"))
        #expect(retry.delay(after: 3, soon, random: 0) == .seconds(2))
    }

    @Test func `it goes on until it works`() throws {
        let (result, waits, count) = run(failures: 3, within: .seconds(600))
        #expect(try result.get() == "done")
        #expect(waits == [.seconds(0.5), .seconds(1), .seconds(2)])
        #expect(count == 4)
    }

    @Test func `it ends with the attempts, and with the last failure`() {
        let (result, waits, count) = run(failures: 100, within: .seconds(600))
        #expect(throws: Failure.self) { try result.get() }
        #expect(waits.count == 5)
        #expect(count == 6)
    }

    @Test func `it does not wait for what would be too late`() {
        // After 0.5 and 1 second the next wait, of 2, would reach the limit.
        let (result, waits, _) = run(failures: 100, within: .seconds(3.5))
        #expect(throws: Failure.self) { try result.get() }
        #expect(waits == [.seconds(0.5), .seconds(1)])
    }

    @Test func `being told to stop ends the wait`() {
        var count = 0
        let error = failure {
            try retry.run(
                within: .seconds(600), uptime: { .zero }, random: { 0 },
                sleep: { (_) throws(Failure) in throw Failure(.failed, "told to stop") },
                { () throws(Failure) in
                    count += 1
                    throw passing
                })
        }
        #expect(error.what == "told to stop")
        #expect(count == 1)
    }

    /// A run with a clock that only sleeping moves.
    private func run(failures: Int, within limit: Duration) -> (Result<String, any Error>, [Duration], Int) {
        var now = Duration.seconds(1000)
        var waits: [Duration] = []
        var count = 0
        let result = Result {
            try retry.run(
                within: limit, uptime: { now }, random: { 0 },
                sleep: { (delay) throws(Failure) in
                    waits.append(delay)
                    now += delay
                },
                { () throws(Failure) in
                    count += 1
                    if count <= failures { throw passing }
                    return "done"
                })
        }
        return (result, waits, count)
    }
}
