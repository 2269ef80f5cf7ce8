import Failures
internal import FoundationEssentials
internal import Threads
internal import Transfer

/// Gives each request its credentials, and asks a plugin again when what it gave is over. Shared between threads.
final class Authenticator: Sendable {
    /// What one request carries.
    struct Ticket: Sendable {
        var headers: [HTTPHeader] = []
        var identity: ClientIdentity?
        /// What must not be shown.
        var secrets: [String] = []
        /// The number of the plugin's answer that it comes from; nil without a plugin.
        var answer: Int?
    }

    private struct State: Sendable {
        var answer: CredentialPlugin.Answer?
        var number = 0
        var isAsking = false
    }

    private let credentials: Credentials
    private let state = Monitor(State())

    init(_ credentials: Credentials) { self.credentials = credentials }

    /// The credentials for the next request.
    func ticket(_ surroundings: Surroundings) throws(Failure) -> Ticket {
        var ticket = Ticket(identity: credentials.identity)
        if let identity = credentials.identity { ticket.secrets.append(String(decoding: identity.key, as: UTF8.self)) }
        if let token = try token() {
            ticket.carry(token: token)
        } else if let user = credentials.username {
            let pair = "\(user):\(credentials.password?.value ?? "")"
            let encoded = Data(pair.utf8).base64EncodedString()
            ticket.headers.append(HTTPHeader("Authorization", "Basic \(encoded)"))
            ticket.secrets += [encoded, credentials.password?.value ?? ""]
        } else if let plugin = credentials.plugin {
            let (answer, number) = try answer(of: plugin, surroundings)
            ticket.answer = number
            if let token = answer.token { ticket.carry(token: token.value) }
            if let identity = answer.identity { ticket.identity = identity }
        }
        return ticket
    }

    /// Takes to heart that the server refused a ticket; true when another one may help.
    func refused(_ ticket: Ticket) -> Bool {
        guard let number = ticket.answer else { return false }
        state.change { state in
            // Another thread may have got a new one already.
            if state.number == number { state.answer = nil }
        }
        return true
    }

    private func token() throws(Failure) -> String? {
        guard let path = credentials.tokenFile else { return credentials.token?.value }
        do throws(Failure) {
            return try CredentialFiles.token(path)
        } catch {
            guard let token = credentials.token else { throw error }
            return token.value
        }
    }

    private func answer(
        of plugin: CredentialPlugin, _ surroundings: Surroundings
    ) throws(Failure) -> (CredentialPlugin.Answer, Int) {
        while true {
            try surroundings.checkStop()
            let now = surroundings.now()
            // One thread asks, the others wait for its answer; none of them longer than until it is told to stop.
            let found = state.wait(atMost: .milliseconds(100)) { state -> (CredentialPlugin.Answer, Int)?? in
                if let answer = state.answer, answer.expires.map({ $0 > now }) ?? true {
                    return .some((answer, state.number))
                }
                guard !state.isAsking else { return nil }
                state.isAsking = true
                return .some(nil)
            }
            guard let found else { continue }
            if let found { return found }
            return try ask(plugin, surroundings)
        }
    }

    private func ask(
        _ plugin: CredentialPlugin, _ surroundings: Surroundings
    ) throws(Failure) -> (CredentialPlugin.Answer, Int) {
        do throws(Failure) {
            let answer = try plugin.ask(surroundings)
            let number = state.change { state in
                state.number += 1
                state.answer = answer
                state.isAsking = false
                return state.number
            }
            return (answer, number)
        } catch {
            state.change { $0.isAsking = false }
            throw error
        }
    }
}

extension Authenticator.Ticket {
    fileprivate mutating func carry(token: String) {
        headers.append(HTTPHeader("Authorization", "Bearer \(token)"))
        secrets.append(token)
    }
}
