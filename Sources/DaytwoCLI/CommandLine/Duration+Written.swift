import Failures
import Policies

extension Duration {
    /// A time as a person writes it in an option: a number and its unit. Throws `usage`, with examples, for what is none.
    init(written text: String, like examples: String) throws(Failure) {
        guard let seconds = WrittenDuration.seconds(text) else {
            throw Failure(
                .usage, "cannot read the time \(text.debugDescription)", next: "give a number and a unit: \(examples)")
        }
        self = .seconds(seconds)
    }
}
