internal import Kubernetes
internal import JSONValues

extension HostCluster {
    /// Makes an object, with defaults, checks and owners of fields as the API server would.
    @discardableResult
    func create(
        _ resource: Resource, namespace: String?, _ body: JSONValue, by manager: FieldManager, isDryRun: Bool = false,
        fieldsAlready: ManagedFields? = nil
    ) throws(APIError) -> JSONValue {
        var object = try checked(body, resource)
        try setPlace(&object, resource, namespace)
        if let namespace { try checkNamespace(namespace, resource, object) }
        let name = ObjectName(of: object)
        guard store.get(resource, name) == nil else { throw .alreadyExists(resource, name.name) }
        if let denial = faults.denial(of: resource, namespace: name.namespace) { throw denial }
        object.set("metadata", "uid", to: .string(RandomNames.uid()))
        object.set("metadata", "creationTimestamp", to: .string(Moment.now()))
        if Self.hasGeneration(resource) { object.set("metadata", "generation", to: .integer(1)) }
        if resource.has(subresource: "status") { object.set("status", to: nil) }
        fillDefaults(&object, resource)
        let causes = Validation.causes(resource, object)
        guard causes.isEmpty else { throw .invalid(resource, name.name, causes) }
        try checkQuota(resource, name, object)
        var fields = fieldsAlready ?? ManagedFields(of: .object([]))
        if fieldsAlready == nil {
            fields.record(
                from: nil, to: object.setting(["status"], to: nil), by: manager, apiVersion: resource.type.apiVersion,
                time: Moment.now())
        }
        object.set("metadata", "managedFields", to: fields.json)
        if isDryRun { return object }
        let change = store.put(resource, object)
        publish(change)
        return change.object
    }

    /// The body without `kind` and `apiVersion`, which must be right where they are told.
    private func checked(_ body: JSONValue, _ resource: Resource) throws(APIError) -> JSONValue {
        guard let members = body.members else { throw .badRequest("the object provided is no object") }
        if let kind = body.text("kind"), kind != resource.type.kind {
            throw .badRequest(
                "\(kind) in version \"\(body.text("apiVersion") ?? "")\" cannot be handled as a \(resource.type.kind)")
        }
        if let version = body.text("apiVersion"), version != resource.type.apiVersion {
            throw .badRequest(
                "the API version in the data (\(version)) does not match the expected API version "
                    + "(\(resource.type.apiVersion))")
        }
        return .object(members.filter { $0.name != "kind" && $0.name != "apiVersion" })
    }

    private func setPlace(_ object: inout JSONValue, _ resource: Resource, _ namespace: String?) throws(APIError) {
        object.fill("metadata", with: .object([]))
        if let namespace {
            if let told = object.text("metadata", "namespace"), told != namespace {
                throw .badRequest(
                    "the namespace of the provided object does not match the namespace sent on the request")
            }
            object.set("metadata", "namespace", to: .string(namespace))
        } else {
            object.set("metadata", "namespace", to: nil)
        }
        if object.text("metadata", "name") ?? "" == "", let prefix = object.text("metadata", "generateName") {
            object.set("metadata", "name", to: .string(prefix + RandomNames.suffix()))
        }
        guard object.text("metadata", "resourceVersion") ?? "" == "" else {
            throw .badRequest("resourceVersion should not be set on objects to be created")
        }
        for name in ["managedFields", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "resourceVersion"]
        {
            object.set("metadata", name, to: nil)
        }
    }

    private func checkNamespace(_ namespace: String, _ resource: Resource, _ object: JSONValue) throws(APIError) {
        guard let space = store.get(.namespaces, ObjectName("", namespace)) else {
            throw .notFound(.namespaces, namespace)
        }
        guard space["metadata", "deletionTimestamp"] == nil || resource == .events else {
            throw .forbidden(
                resource, object.text("metadata", "name") ?? "",
                "unable to create new content in namespace \(namespace) because it is being terminated")
        }
    }

    static func hasGeneration(_ resource: Resource) -> Bool {
        switch resource {
        case .statefulSets, .deployments, .replicaSets, .daemonSets, .ingresses, .networkPolicies,
            .podDisruptionBudgets:
            true
        default: false
        }
    }

    private func fillDefaults(_ object: inout JSONValue, _ resource: Resource) {
        switch resource {
        case .pods: PodDefaults.fill(pod: &object) { RandomNames.suffix() }
        case .statefulSets: WorkloadDefaults.fill(statefulSet: &object)
        case .deployments: WorkloadDefaults.fill(deployment: &object)
        case .replicaSets: WorkloadDefaults.fill(replicaSet: &object)
        case .jobs: WorkloadDefaults.fill(job: &object)
        case .namespaces: OtherDefaults.fill(namespace: &object)
        case .secrets: OtherDefaults.fill(secret: &object)
        case .persistentVolumeClaims:
            OtherDefaults.fill(persistentVolumeClaim: &object, defaultClass: defaultStorageClass)
        case .persistentVolumes: OtherDefaults.fill(persistentVolume: &object)
        case .services: OtherDefaults.fill(service: &object, addresses: &serviceAddresses)
        case .ingresses: OtherDefaults.fill(ingress: &object)
        default: break
        }
    }

    /// After an update the template's new parts get their defaults too.
    func refillDefaults(_ object: inout JSONValue, _ resource: Resource) {
        switch resource {
        case .statefulSets: WorkloadDefaults.fill(statefulSet: &object)
        case .deployments: WorkloadDefaults.fill(deployment: &object)
        case .replicaSets: WorkloadDefaults.fill(replicaSet: &object)
        case .secrets: OtherDefaults.fill(secret: &object)
        case .services: OtherDefaults.fill(service: &object, addresses: &serviceAddresses)
        default: break
        }
    }

    private var defaultStorageClass: String? {
        store.list(.storageClasses).first {
            $0.dictionary("metadata", "annotations")["storageclass.kubernetes.io/is-default-class"] == "true"
        }?.text("metadata", "name")
    }
}
