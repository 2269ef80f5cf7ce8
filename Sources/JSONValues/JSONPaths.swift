extension JSONValue {
    /// The value at a path of member names; nil where any of them is not there.
    ///
    /// `object["spec", "replicas"]` is `spec.replicas`.
    public subscript(path: String...) -> JSONValue? { value(at: path) }

    /// The value at a path of member names; nil where any of them is not there.
    public func value(at path: some Sequence<String>) -> JSONValue? {
        var value = self
        for name in path {
            guard let next = value[name] else { return nil }
            value = next
        }
        return value
    }

    /// This JSON with another value at a path of member names, which are made where they are missing; what is there and is no object is
    /// replaced by one. nil removes the member, and makes nothing.
    public func setting(_ path: some Collection<String>, to value: JSONValue?) -> JSONValue {
        guard let name = path.first else { return value ?? .null }
        let rest = path.dropFirst()
        var members = self.members ?? []
        let position = members.firstIndex { $0.name == name }
        if rest.isEmpty {
            switch (position, value) {
            case (let position?, let value?): members[position] = JSONMember(name, value)
            case (let position?, nil): members.remove(at: position)
            case (nil, let value?): members.append(JSONMember(name, value))
            case (nil, nil): return self
            }
        } else if let position {
            members[position] = JSONMember(name, members[position].value.setting(rest, to: value))
        } else if value != nil {
            members.append(JSONMember(name, JSONValue.object([]).setting(rest, to: value)))
        } else {
            return self
        }
        return .object(members)
    }

    /// This JSON without the member at a path; the same where it is not there.
    public func removing(_ path: String...) -> JSONValue {
        value(at: path) == nil ? self : setting(path, to: nil)
    }
}
