import Testing

/// All tests that run the real binary, one after the other: several at once would swamp a small machine.
@Suite(.serialized) enum RealBinary {}
