public import JSONValues
internal import Failures

/// The values of a chart, as a Secret keeps them.
public enum ValuesText {
    /// What a text says; nil for what daytwo does not read.
    public static func json(_ text: String) -> JSONValue? {
        do throws(Failure) { return try YAMLText.json(text) } catch { return nil }
    }
}
