/// Feature gates of Kubernetes that are gone: a component that is started with one ends at once.
///
/// Source: https://kubernetes.io/docs/reference/command-line-tools-reference/feature-gates-removed/, where "To" is the last
/// minor that knows a gate.
public enum FeatureGates {
    /// The minor that knows a gate no more; nil for one of which that is not known.
    public static func removal(of name: String) -> KubernetesMinor? { removed[name] }

    /// What is wrong with gates for a target: those that it does not know, and those of which nobody can tell.
    public static func verdict(
        _ names: [String], for target: KubernetesMinor
    ) -> (gone: [String], untold: [String]) {
        let all = Set(names).subtracting(["AllAlpha", "AllBeta"]).sorted()
        return (all.filter { removed[$0].map { $0 <= target } ?? false }, all.filter { removed[$0] == nil })
    }

    private static let removed: [String: KubernetesMinor] = {
        var removed: [String: KubernetesMinor] = [:]
        for (minor, names) in byMinor {
            for name in names.split(whereSeparator: \.isWhitespace) {
                removed[String(name)] = KubernetesMinor(major: 1, minor: minor)
            }
        }
        return removed
    }()

    private static let byMinor: [Int: String] = [
        17: """
        CSIPersistentVolume CustomPodDNS ExperimentalCriticalPodAnnotation GCERegionalPersistentDisk HugePages \
        KubeletPluginsWatcher PersistentLocalVolumes PodReadinessGates
        """,
        18: "EnableAggregatedDiscoveryTimeout MountContainers RequestManagement",
        19: """
        CustomResourceDefaulting CustomResourcePublishOpenAPI CustomResourceSubresources CustomResourceValidation \
        CustomResourceWebhookConversion PodPriority ResourceQuotaScopeSelectors ScheduleDaemonSetPods
        """,
        20: "DynamicAuditing PodShareProcessNamespace ResourceLimitsPriorityFunction",
        21: "HyperVContainer ServiceLoadBalancerFinalizer",
        22: """
        AttachVolumeLimit BlockVolume CSIBlockVolume CSIDriverRegistry CSIMigrationAWSComplete \
        CSIMigrationAzureDiskComplete CSIMigrationAzureFileComplete CSIMigrationGCEComplete \
        CSIMigrationOpenStackComplete EvenPodsSpread RotateKubeletClientCertificate
        """,
        23: """
        BalanceAttachedNodeVolumes CRIContainerLogRotation CSIMigrationvSphereComplete CSINodeInfo \
        ExternalPolicyForExternalIP LegacyNodeRoleBehavior NodeDisruptionExclusion RootCAConfigMap RunAsGroup SCTPSupport \
        ServiceAppProtocol ServiceNodeExclusion ServiceTopology
        """,
        24: """
        BoundServiceAccountTokenVolume CronJobControllerV2 EnableEquivalenceClassCache NamespaceDefaultLabelName NodeLease \
        ServiceAccountIssuerDiscovery
        """,
        25: """
        CSIServiceAccountToken EndpointSlice EndpointSliceNodeName EndpointSliceProxying GenericEphemeralVolume \
        HugePageStorageMediumSize ImmutableEphemeralVolumes IngressClassNamespacedParams RuntimeClass SetHostnameAsFQDN
        """,
        26: """
        AllowInsecureBackendProxy CSIMigrationOpenStack CSIVolumeFSGroupPolicy CSRDuration ConfigurableFSGroupPolicy \
        DefaultPodTopologySpread DynamicKubeletConfig IndexedJob NonPreemptingPriority PodAffinityNamespaceSelector \
        PodDisruptionBudget PodOverhead PreferNominatedNode SelectorIndex ServiceLBNodePortControl \
        ServiceLoadBalancerClass
        """,
        27: """
        CSIInlineVolume CSIMigration CSIMigrationAWS CSIMigrationAzureDisk ControllerManagerLeaderMigration \
        DaemonSetUpdateSurge EphemeralContainers ExpandCSIVolumes ExpandInUsePersistentVolumes ExpandPersistentVolumes \
        IPv6DualStack IdentifyPodOS LocalStorageCapacityIsolation NetworkPolicyEndPort
        """,
        28: """
        AdvancedAuditing CSIMigrationGCE CSIStorageCapacity DelegateFSGroupToCSIDriver DevicePlugins \
        DisableAcceleratorUsageMetrics DryRun EndpointSliceTerminatingCondition KubeletCredentialProviders \
        MixedProtocolLBService NetworkPolicyStatus PodHasNetworkCondition PodSecurity ServiceIPStaticSubrange \
        ServiceInternalTrafficPolicy
        """,
        29: """
        CSIMigrationvSphere CronJobTimeZone DownwardAPIHugePages GRPCContainerProbe JobMutableNodeSchedulingDirectives \
        JobTrackingWithFinalizers LegacyServiceAccountTokenNoAutoGeneration MultiCIDRRangeAllocator OpenAPIV3 \
        ProbeTerminationGracePeriod RetroactiveDefaultStorageClass SeccompDefault
        """,
        30: """
        APISelfSubjectReview CSIMigrationAzureFile ExpandedDNSConfig ExperimentalHostUserNamespaceDefaulting \
        IPTablesOwnershipCleanup KubeletPodResources KubeletPodResourcesGetAllocatable LegacyServiceAccountTokenTracking \
        MinimizeIPTablesRestore ProxyTerminatingEndpoints RemoveSelfLink SecurityContextDeny
        """,
        31: """
        APIPriorityAndFairness CSIMigrationRBD CSINodeExpandSecret ConsistentHTTPGetHandlers \
        CustomResourceValidationExpressions DefaultHostNetworkHostPortsInPodTemplates InTreePluginAWSUnregister \
        InTreePluginAzureDiskUnregister InTreePluginAzureFileUnregister InTreePluginGCEUnregister \
        InTreePluginOpenStackUnregister InTreePluginRBDUnregister InTreePluginvSphereUnregister JobReadyPods \
        ReadWriteOncePod ServiceNodePortStaticSubrange
        """,
        32: """
        CloudDualStackNodeIPs DRAControlPlaneController HPAContainerMetrics KMSv2 KMSv2KDF \
        LegacyServiceAccountTokenCleanUp MinDomainsInPodTopologySpread NewVolumeManagerReconstruction \
        NodeOutOfServiceVolumeDetach PodHostIPs ServerSideApply ServerSideFieldValidation
        """,
        33: "APIListChunking AdmissionWebhookMatchConditions AggregatedDiscoveryEndpoint",
    ]
}
