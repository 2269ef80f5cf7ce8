import Foundation

/// The time of day.
enum WallClock {
    static var now: Date { Date().addingTimeInterval(ahead) }

    #if DEBUG
        /// Seconds from DAYTWO_CLOCK_AHEAD, so that tests let days pass; what is released knows no such thing.
        private static let ahead = ProcessInfo.processInfo.environment["DAYTWO_CLOCK_AHEAD"].flatMap { Double($0) } ?? 0
    #else
        private static let ahead: TimeInterval = 0
    #endif
}
