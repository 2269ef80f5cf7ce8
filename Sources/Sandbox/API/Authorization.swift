internal import Kubernetes
internal import JSONValues

/// What somebody wants to do.
struct AccessQuestion: Sendable {
    var verb: String
    var group: String
    /// `pods`, `pods/exec`
    var resource: String
    var namespace: String
    var name: String
}

extension HostCluster {
    /// Lets through what a rule allows; the groups of masters need none.
    func authorize(_ caller: Caller, _ target: APITarget, _ request: APIRequest) throws(APIError) {
        if target.resource == .selfSubjectAccessReviews { return }
        var verb = target.verb(method: request.method, isWatch: request.isOn("watch"))
        if target.subresource == "exec" { verb = request.method == "GET" ? "get" : "create" }
        let plural = target.resource.type.plural
        let question = AccessQuestion(
            verb: verb, group: target.resource.type.group,
            resource: target.subresource.map { "\(plural)/\($0)" } ?? plural, namespace: target.namespace ?? "",
            name: target.name ?? "")
        guard !allows(caller, question) else { return }
        let place =
            question.namespace.isEmpty ? "at the cluster scope" : "in the namespace \"\(question.namespace)\""
        throw .forbidden(
            target.resource, question.name,
            "User \"\(caller.name)\" cannot \(verb) resource \"\(question.resource)\" in API group "
                + "\"\(question.group)\" \(place)")
    }

    func allows(_ caller: Caller, _ question: AccessQuestion) -> Bool {
        if caller.isMaster { return true }
        for binding in store.list(.clusterRoleBindings) where names(binding, caller) {
            if rules(of: binding, namespace: "").contains(where: { allows($0, question) }) { return true }
        }
        guard !question.namespace.isEmpty else { return false }
        for binding in store.list(.roleBindings, namespace: question.namespace) where names(binding, caller) {
            let found = rules(of: binding, namespace: question.namespace)
            if found.contains(where: { allows($0, question) }) { return true }
        }
        return false
    }

    private func names(_ binding: JSONValue, _ caller: Caller) -> Bool {
        binding.list("subjects").contains { subject in
            switch subject.text("kind") {
            case "User": subject.text("name") == caller.name
            case "Group": caller.groups.contains(subject.text("name") ?? "")
            case "ServiceAccount":
                caller.name == "system:serviceaccount:\(subject.text("namespace") ?? ""):\(subject.text("name") ?? "")"
            default: false
            }
        }
    }

    private func rules(of binding: JSONValue, namespace: String) -> [JSONValue] {
        let name = binding.text("roleRef", "name") ?? ""
        let role =
            binding.text("roleRef", "kind") == "ClusterRole"
            ? store.get(.clusterRoles, ObjectName("", name)) : store.get(.roles, ObjectName(namespace, name))
        return role?.list("rules") ?? []
    }

    private func allows(_ rule: JSONValue, _ question: AccessQuestion) -> Bool {
        func has(_ field: String, _ value: String) -> Bool {
            let values = rule.list(field).compactMap(\.stringValue)
            return values.contains("*") || values.contains(value)
        }
        let names = rule.list("resourceNames").compactMap(\.stringValue)
        return has("verbs", question.verb) && has("apiGroups", question.group) && has("resources", question.resource)
            && (names.isEmpty || names.contains(question.name))
    }

    func accessReview(_ body: JSONValue, _ caller: Caller) -> JSONValue {
        let attributes = body["spec", "resourceAttributes"] ?? .object([])
        let plural = attributes.text("resource") ?? ""
        let question = AccessQuestion(
            verb: attributes.text("verb") ?? "", group: attributes.text("group") ?? "",
            resource: attributes.text("subresource").flatMap { $0.isEmpty ? nil : "\(plural)/\($0)" } ?? plural,
            namespace: attributes.text("namespace") ?? "", name: attributes.text("name") ?? "")
        return .members([
            "kind": .string("SelfSubjectAccessReview"), "apiVersion": .string("authorization.k8s.io/v1"),
            "metadata": .members(["creationTimestamp": .null]), "spec": body["spec"],
            "status": .members(["allowed": .bool(allows(caller, question))]),
        ])
    }
}
