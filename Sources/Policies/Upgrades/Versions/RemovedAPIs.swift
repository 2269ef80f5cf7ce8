/// APIs that Kubernetes has removed, for whoever still writes them.
///
/// Source: https://kubernetes.io/docs/reference/using-api/deprecation-guide/
public enum RemovedAPIs {
    /// One version of a group, or some of its kinds.
    public struct Removal: Sendable, Hashable {
        /// `extensions/v1beta1`
        public let apiVersion: String
        /// The kinds; empty for all of them.
        public let kinds: Set<String>
        /// The first minor without it.
        public let minor: KubernetesMinor
    }

    /// A kind whose objects may have been written with a version that is removed, and where they are read today.
    public struct Place: Sendable, Hashable {
        /// `/apis/networking.k8s.io/v1/ingresses`
        public let path: String
        /// Its removals, by ``Removal/minor``.
        let minors: [Int]

        /// Whether one of its versions goes away after a minor, up to another one.
        public func changes(after: KubernetesMinor?, to minor: KubernetesMinor) -> Bool {
            minors.contains { number in
                let removed = KubernetesMinor(major: 1, minor: number)
                return removed <= minor && after.map { removed > $0 } ?? true
            }
        }
    }

    /// The removal of a kind in a version; nil for one that is not removed. One of a step is later than `after`.
    public static func removal(
        _ apiVersion: String, _ kind: String, after: KubernetesMinor?, to minor: KubernetesMinor
    ) -> Removal? {
        all.first { removal in
            removal.apiVersion == apiVersion && (removal.kinds.isEmpty || removal.kinds.contains(kind))
                && removal.minor <= minor && after.map { removal.minor > $0 } ?? true
        }
    }

    /// Where to look for objects that were written with removed versions.
    public static let places: [Place] = [
        Place(path: "/apis/apps/v1/deployments", minors: [16]), Place(path: "/apis/apps/v1/daemonsets", minors: [16]),
        Place(path: "/apis/apps/v1/statefulsets", minors: [16]),
        Place(path: "/apis/networking.k8s.io/v1/networkpolicies", minors: [16]),
        Place(path: "/apis/networking.k8s.io/v1/ingresses", minors: [22]),
        Place(path: "/apis/networking.k8s.io/v1/ingressclasses", minors: [22]),
        Place(path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", minors: [22]),
        Place(path: "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", minors: [22]),
        Place(path: "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", minors: [22]),
        Place(path: "/apis/rbac.authorization.k8s.io/v1/clusterroles", minors: [22]),
        Place(path: "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", minors: [22]),
        Place(path: "/apis/rbac.authorization.k8s.io/v1/roles", minors: [22]),
        Place(path: "/apis/rbac.authorization.k8s.io/v1/rolebindings", minors: [22]),
        Place(path: "/apis/storage.k8s.io/v1/storageclasses", minors: [22]),
        Place(path: "/apis/storage.k8s.io/v1/csidrivers", minors: [22]),
        Place(path: "/apis/scheduling.k8s.io/v1/priorityclasses", minors: [17, 22]),
        Place(path: "/apis/apiregistration.k8s.io/v1/apiservices", minors: [22]),
        Place(path: "/apis/batch/v1/cronjobs", minors: [25]),
        Place(path: "/apis/policy/v1/poddisruptionbudgets", minors: [25]),
        Place(path: "/apis/policy/v1beta1/podsecuritypolicies", minors: [25]),
        Place(path: "/apis/discovery.k8s.io/v1/endpointslices", minors: [25]),
        Place(path: "/apis/node.k8s.io/v1/runtimeclasses", minors: [25]),
        Place(path: "/apis/autoscaling/v2/horizontalpodautoscalers", minors: [25, 26]),
        Place(path: "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas", minors: [26, 29, 32]),
    ]

    private static let all: [Removal] = [
        (
            16, "extensions/v1beta1",
            "Deployment DaemonSet ReplicaSet NetworkPolicy PodSecurityPolicy"
        ),
        (16, "apps/v1beta1", ""), (16, "apps/v1beta2", ""), (17, "scheduling.k8s.io/v1alpha1", ""),
        (22, "extensions/v1beta1", "Ingress"), (22, "networking.k8s.io/v1beta1", "Ingress IngressClass"),
        (22, "apiextensions.k8s.io/v1beta1", ""),
        (
            22, "admissionregistration.k8s.io/v1beta1",
            "ValidatingWebhookConfiguration MutatingWebhookConfiguration"
        ),
        (22, "rbac.authorization.k8s.io/v1alpha1", ""), (22, "rbac.authorization.k8s.io/v1beta1", ""),
        (22, "storage.k8s.io/v1beta1", "CSIDriver CSINode StorageClass VolumeAttachment"),
        (22, "apiregistration.k8s.io/v1beta1", ""), (22, "authentication.k8s.io/v1beta1", "TokenReview"),
        (
            22, "authorization.k8s.io/v1beta1",
            "SubjectAccessReview LocalSubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview"
        ),
        (22, "certificates.k8s.io/v1beta1", ""), (22, "coordination.k8s.io/v1beta1", "Lease"),
        (22, "scheduling.k8s.io/v1beta1", ""), (25, "batch/v1beta1", "CronJob"),
        (25, "policy/v1beta1", "PodDisruptionBudget PodSecurityPolicy"), (25, "autoscaling/v2beta1", ""),
        (25, "discovery.k8s.io/v1beta1", ""), (25, "events.k8s.io/v1beta1", ""), (25, "node.k8s.io/v1beta1", ""),
        (26, "autoscaling/v2beta2", ""), (26, "flowcontrol.apiserver.k8s.io/v1beta1", ""),
        (27, "storage.k8s.io/v1beta1", "CSIStorageCapacity"), (29, "flowcontrol.apiserver.k8s.io/v1beta2", ""),
        (32, "flowcontrol.apiserver.k8s.io/v1beta3", ""),
        (
            33, "admissionregistration.k8s.io/v1alpha1",
            "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding"
        ), (34, "resource.k8s.io/v1alpha3", ""), (35, "storage.k8s.io/v1alpha1", "VolumeAttributesClass"),
        (35, "storagemigration.k8s.io/v1alpha1", ""), (36, "resource.k8s.io/v1beta1", ""),
    ].map { minor, apiVersion, kinds in
        Removal(
            apiVersion: apiVersion, kinds: Set(kinds.split(separator: " ").map(String.init)),
            minor: KubernetesMinor(major: 1, minor: minor))
    }
}
