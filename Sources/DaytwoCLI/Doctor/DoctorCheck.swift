import Failures

/// One thing that a doctor looked at.
struct DoctorCheck {
    enum Result: String {
        case ok
        case warning = "warn"
        case failed = "fail"
    }

    let name: String
    let result: Result
    let text: String
    var next: String?

    static func ok(_ name: String, _ text: String) -> DoctorCheck {
        DoctorCheck(name: name, result: .ok, text: text, next: nil)
    }

    static func failed(_ name: String, _ failure: Failure) -> DoctorCheck {
        DoctorCheck(name: name, result: .failed, text: failure.brief, next: failure.next)
    }
}
