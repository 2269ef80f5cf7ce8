/// Help that belongs to no single command: `daytwo help TOPIC`.
enum HelpTopic: String, CaseIterable {
    case exitCodes = "exit-codes"

    init?(arguments: [String]) {
        guard arguments.count == 2, arguments[0] == "help" else { return nil }
        self.init(rawValue: arguments[1])
    }

    var text: String {
        switch self {
        case .exitCodes:
            """
            EXIT STATUS:
            \(ExitStatus.table(ExitStatus.allCases))

            The worst wins: 9, 8, 5, 3. Treat a code that you do not know as a failure.
            Every command's help lists the ones that it can end with.
            """
        }
    }
}
