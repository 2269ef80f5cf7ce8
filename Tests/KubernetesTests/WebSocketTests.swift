import Failures
import Testing

@testable import Kubernetes

@Suite struct WebSocketTests {
    typealias Piece = WebSocketDecoder.Piece

    /// A frame as a server writes it.
    static func frame(_ opcode: UInt8, _ payload: [UInt8], isLast: Bool = true) -> [UInt8] {
        var bytes = [(isLast ? 0x80 : 0) | opcode]
        switch payload.count {
        case ..<126: bytes.append(UInt8(payload.count))
        case ..<65536: bytes += [126, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
        default:
            bytes.append(127)
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: payload.count >> shift))
            }
        }
        return bytes + payload
    }

    /// Messages and control frames, with the parts of messages put together.
    private func decode(_ pieces: [ArraySlice<UInt8>]) throws -> [Piece] {
        var decoder = WebSocketDecoder()
        var found: [Piece] = []
        var message: [UInt8]?
        for piece in pieces {
            decoder.feed(piece)
            while let next = try decoder.next() {
                guard case .data(let bytes, let begins, let ends) = next else {
                    found.append(next)
                    continue
                }
                #expect(begins == (message == nil))
                message = (message ?? []) + bytes
                if ends {
                    found.append(.data(message ?? [], begins: true, ends: true))
                    message = nil
                }
            }
        }
        #expect(message == nil)
        return found
    }

    @Test func `frames are the same wherever they are cut`() throws {
        let long = (0..<300).map { UInt8($0 & 255) }
        let stream =
            Self.frame(2, [1]) + Self.frame(2, Array("hello".utf8)) + Self.frame(2, [], isLast: true)
            + Self.frame(2, [1, 2], isLast: false) + Self.frame(9, [7]) + Self.frame(0, [], isLast: false)
            + Self.frame(0, [3]) + Self.frame(2, long) + Self.frame(10, []) + Self.frame(8, [3, 0xE8])
        let expected: [Piece] = [
            .data([1], begins: true, ends: true), .data(Array("hello".utf8), begins: true, ends: true),
            .data([], begins: true, ends: true), .ping([7]), .data([1, 2, 3], begins: true, ends: true),
            .data(long, begins: true, ends: true), .pong, .close(code: 1000),
        ]
        #expect(try decode([stream[...]]) == expected)
        #expect(try decode(stream.map { [$0] }) == expected)
        for cut in stream.indices { #expect(try decode([stream[..<cut], stream[cut...]]) == expected) }
    }

    @Test func `a frame of more than 64 KiB has its length in eight bytes`() throws {
        let payload = [UInt8](repeating: 5, count: 70_000)
        #expect(try decode([Self.frame(2, payload)[...]]) == [.data(payload, begins: true, ends: true)])
    }

    @Test(
        arguments: [
            ([0xC2, 0], .failed), ([0x82, 0x80], .failed), ([0x83, 0], .failed), ([0x8B, 0], .failed),
            ([0x81, 0], .failed), ([0x80, 0], .failed), ([0x02, 0, 0x82, 0], .failed), ([0x09, 0], .failed),
            ([0x89, 126, 0, 126], .failed), ([0x88, 1, 3], .failed),
            ([0x82, 127, 0, 0, 0, 0, 0x10, 0, 0, 0], .refused),
            ([0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255], .refused),
        ] as [([UInt8], Failure.Code)])
    func `what is against the protocol ends it`(bytes: [UInt8], code: Failure.Code) {
        #expect(failure { _ = try decode([bytes[...]]) }.code == code)
    }

    @Test func `what the client writes can be unmasked`() {
        for count in [0, 1, 3, 4, 5, 124, 125, 126, 65534, 65535, 70_000] {
            var bytes: [UInt8] = []
            let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7) }
            WebSocketFrame.append(.binary, channel: 9, payload[...], mask: 0x0102_0304, to: &bytes)
            #expect(bytes[0] == 0x82)
            #expect(bytes[1] & 0x80 != 0)
            let extended = count + 1 < 126 ? 0 : count + 1 < 65536 ? 2 : 8
            let mask = Array(bytes[(2 + extended)..<(6 + extended)])
            #expect(mask == [1, 2, 3, 4])
            let unmasked = bytes[(6 + extended)...].enumerated().map { $1 ^ mask[$0 & 3] }
            #expect(unmasked == [9] + payload)
        }
    }

    @Test func `masks differ`() {
        let masks = (0..<16).map { _ in
            var bytes: [UInt8] = []
            WebSocketFrame.append(.binary, channel: 0, [], to: &bytes)
            return Array(bytes[2..<6])
        }
        #expect(Set(masks).count > 1)
    }

    @Test func `the accept of RFC 6455's example is computed`() throws {
        // 1.3 of the RFC; the key there is fixed, ours is not, so the sum is taken over many.
        let handshake = WebSocketHandshake(protocols: ["v5.channel.k8s.io"])
        let head = try UpgradeHead(
            "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: v5.channel.k8s.io"
                .utf8)
        #expect(failure { _ = try handshake.accepted(head) }.code == .failed)
        let fixed = WebSocketHandshake(protocols: ["v5.channel.k8s.io"], key: "dGhlIHNhbXBsZSBub25jZQ==")
        #expect(try fixed.accepted(head) == "v5.channel.k8s.io")
    }

    @Test func `the body of a refusal is read by length, by chunks, or to the end`() throws {
        let length = try UpgradeHead("HTTP/1.1 403 X\r\nContent-Length: 5".utf8)
        #expect(UpgradeBody.whole(length, Array("hell".utf8), isAtEnd: false) == nil)
        #expect(UpgradeBody.whole(length, Array("hello!".utf8), isAtEnd: false) == Array("hello".utf8))
        let chunked = try UpgradeHead("HTTP/1.1 403 X\r\ntransfer-encoding: Chunked".utf8)
        let stream = Array("2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n".utf8)
        for count in 0..<22 { #expect(UpgradeBody.whole(chunked, Array(stream[..<count]), isAtEnd: false) == nil) }
        #expect(UpgradeBody.whole(chunked, stream, isAtEnd: false) == Array("hello".utf8))
        let open = try UpgradeHead("HTTP/1.0 403 X".utf8)
        #expect(UpgradeBody.whole(open, [1], isAtEnd: false) == nil)
        #expect(UpgradeBody.whole(open, [1], isAtEnd: true) == [1])
        let endless = Array("7fffffffffffffff\r\nx".utf8)
        #expect(UpgradeBody.whole(chunked, endless, isAtEnd: false) == nil)
    }

    @Test func `lines of a watch are the same wherever they are cut`() throws {
        let stream = Array("{\"a\":1}\n\n{\"b\":2}\n{\"c\"".utf8)
        for first in 0...stream.count {
            for second in first...stream.count {
                var lines = WatchLines()
                var found: [[UInt8]] = []
                for piece in [stream[..<first], stream[first..<second], stream[second...]] {
                    found += try lines.take(Array(piece))
                }
                #expect(found == [Array("{\"a\":1}".utf8), Array("{\"b\":2}".utf8)])
            }
        }
        var endless = WatchLines()
        #expect(failure { _ = try endless.take([UInt8](repeating: 1, count: 65), longest: 64) }.code == .refused)
        var long = WatchLines()
        #expect(failure { _ = try long.take([UInt8](repeating: 1, count: 65) + [10], longest: 64) }.code == .refused)
    }
}
