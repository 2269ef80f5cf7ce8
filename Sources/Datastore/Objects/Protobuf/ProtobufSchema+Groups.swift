extension ProtobufSchema {
    /// The messages of the other groups and the last of the core group, and which kind is which message; how to read it: ``ProtobufSchema``.
    static let groups = """
        @v1/ConfigMap ConfigMap
        @v1/Secret Secret
        @v1/Service Service
        @v1/ServiceAccount ServiceAccount
        @v1/Namespace Namespace
        @v1/PersistentVolumeClaim PersistentVolumeClaim
        @v1/PersistentVolume PersistentVolume
        @v1/Pod Pod
        @v1/ResourceQuota ResourceQuota
        @v1/LimitRange LimitRange
        @v1/Endpoints Endpoints
        @v1/ReplicationController ReplicationController
        @v1/PodTemplate PodTemplate
        @apps/v1/Deployment apps1.Deployment
        @apps/v1/StatefulSet apps1.StatefulSet
        @apps/v1/DaemonSet apps1.DaemonSet
        @apps/v1/ReplicaSet apps1.ReplicaSet
        @batch/v1/Job batch1.Job
        @batch/v1/CronJob batch1.CronJob
        @batch/v1beta1/CronJob batch1beta1.CronJob
        @networking.k8s.io/v1/Ingress networking1.Ingress
        @networking.k8s.io/v1/IngressClass networking1.IngressClass
        @networking.k8s.io/v1/NetworkPolicy networking1.NetworkPolicy
        @networking.k8s.io/v1beta1/Ingress networking1beta1.Ingress
        @networking.k8s.io/v1beta1/IngressClass networking1beta1.IngressClass
        @rbac.authorization.k8s.io/v1/Role rbac1.Role
        @rbac.authorization.k8s.io/v1/RoleBinding rbac1.RoleBinding
        @rbac.authorization.k8s.io/v1/ClusterRole rbac1.ClusterRole
        @rbac.authorization.k8s.io/v1/ClusterRoleBinding rbac1.ClusterRoleBinding
        @policy/v1/PodDisruptionBudget policy1.PodDisruptionBudget
        @policy/v1beta1/PodDisruptionBudget policy1beta1.PodDisruptionBudget
        @autoscaling/v1/HorizontalPodAutoscaler autoscaling1.HorizontalPodAutoscaler
        @autoscaling/v2/HorizontalPodAutoscaler autoscaling2.HorizontalPodAutoscaler
        @storage.k8s.io/v1/StorageClass storage1.StorageClass
        @scheduling.k8s.io/v1/PriorityClass scheduling1.PriorityClass
        @discovery.k8s.io/v1/EndpointSlice discovery1.EndpointSlice
        apps1.Deployment = 1:metadata:ObjectMeta 2:spec:apps1.DeploymentSpec 3:status:apps1.DeploymentStatus
        apps1.DeploymentSpec = 1:replicas:?i 2:selector:?LabelSelector 3:template:?PodTemplateSpec
          4:strategy:apps1.DeploymentStrategy 5:minReadySeconds:i 6:revisionHistoryLimit:?i 7:paused:b
          9:progressDeadlineSeconds:?i
        apps1.DeploymentStrategy = 1:type:s 2:rollingUpdate:?apps1.RollingUpdateDeployment
        apps1.RollingUpdateDeployment = 1:maxUnavailable:?x 2:maxSurge:?x
        apps1.DeploymentStatus = 1:observedGeneration:i 2:replicas:i 3:updatedReplicas:i 7:readyReplicas:i
          4:availableReplicas:i 5:unavailableReplicas:i 9:terminatingReplicas:?i 6:conditions:[apps1.DeploymentCondition
          8:collisionCount:?i
        apps1.DeploymentCondition = 1:type:?s 2:status:?s 6:lastUpdateTime:t 7:lastTransitionTime:t 4:reason:s
          5:message:s
        apps1.StatefulSet = 1:metadata:ObjectMeta 2:spec:apps1.StatefulSetSpec 3:status:apps1.StatefulSetStatus
        apps1.StatefulSetSpec = 1:replicas:?i 2:selector:?LabelSelector 3:template:?PodTemplateSpec
          4:volumeClaimTemplates:[PersistentVolumeClaim 5:serviceName:?s 6:podManagementPolicy:s
          7:updateStrategy:apps1.StatefulSetUpdateStrategy 8:revisionHistoryLimit:?i 9:minReadySeconds:i
          10:persistentVolumeClaimRetentionPolicy:?apps1.StatefulSetPersistentVolumeClaimRetentionPolicy
          11:ordinals:?apps1.StatefulSetOrdinals
        apps1.StatefulSetUpdateStrategy = 1:type:s 2:rollingUpdate:?apps1.RollingUpdateStatefulSetStrategy
        apps1.RollingUpdateStatefulSetStrategy = 1:partition:?i 2:maxUnavailable:?x
        apps1.StatefulSetPersistentVolumeClaimRetentionPolicy = 1:whenDeleted:s 2:whenScaled:s
        apps1.StatefulSetOrdinals = 1:start:?i
        apps1.StatefulSetStatus = 1:observedGeneration:i 2:replicas:?i 3:readyReplicas:i 4:currentReplicas:i
          5:updatedReplicas:i 6:currentRevision:s 7:updateRevision:s 9:collisionCount:?i
          10:conditions:[apps1.StatefulSetCondition 11:availableReplicas:?i
        apps1.StatefulSetCondition = 1:type:?s 2:status:?s 3:lastTransitionTime:t 4:reason:s 5:message:s
        apps1.DaemonSet = 1:metadata:ObjectMeta 2:spec:apps1.DaemonSetSpec 3:status:apps1.DaemonSetStatus
        apps1.DaemonSetSpec = 1:selector:?LabelSelector 2:template:?PodTemplateSpec
          3:updateStrategy:apps1.DaemonSetUpdateStrategy 4:minReadySeconds:i 6:revisionHistoryLimit:?i
        apps1.DaemonSetUpdateStrategy = 1:type:s 2:rollingUpdate:?apps1.RollingUpdateDaemonSet
        apps1.RollingUpdateDaemonSet = 1:maxUnavailable:?x 2:maxSurge:?x
        apps1.DaemonSetStatus = 1:currentNumberScheduled:?i 2:numberMisscheduled:?i 3:desiredNumberScheduled:?i
          4:numberReady:?i 5:observedGeneration:i 6:updatedNumberScheduled:i 7:numberAvailable:i 8:numberUnavailable:i
          9:collisionCount:?i 10:conditions:[apps1.DaemonSetCondition
        apps1.DaemonSetCondition = 1:type:?s 2:status:?s 3:lastTransitionTime:t 4:reason:s 5:message:s
        apps1.ReplicaSet = 1:metadata:ObjectMeta 2:spec:apps1.ReplicaSetSpec 3:status:apps1.ReplicaSetStatus
        apps1.ReplicaSetSpec = 1:replicas:?i 4:minReadySeconds:i 2:selector:?LabelSelector 3:template:PodTemplateSpec
        apps1.ReplicaSetStatus = 1:replicas:?i 2:fullyLabeledReplicas:i 4:readyReplicas:i 5:availableReplicas:i
          7:terminatingReplicas:?i 3:observedGeneration:i 6:conditions:[apps1.ReplicaSetCondition
        apps1.ReplicaSetCondition = 1:type:?s 2:status:?s 3:lastTransitionTime:t 4:reason:s 5:message:s
        batch1.Job = 1:metadata:ObjectMeta 2:spec:batch1.JobSpec 3:status:batch1.JobStatus
        batch1.JobSpec = 1:parallelism:?i 2:completions:?i 3:activeDeadlineSeconds:?i
          11:podFailurePolicy:?batch1.PodFailurePolicy 16:successPolicy:?batch1.SuccessPolicy 7:backoffLimit:?i
          12:backoffLimitPerIndex:?i 13:maxFailedIndexes:?i 4:selector:?LabelSelector 5:manualSelector:?b
          6:template:?PodTemplateSpec 8:ttlSecondsAfterFinished:?i 9:completionMode:?s 10:suspend:?b
          14:podReplacementPolicy:?s 15:managedBy:?s 17:scheduling:?batch1.JobSchedulingConfiguration
        batch1.PodFailurePolicy = 1:rules:[batch1.PodFailurePolicyRule
        batch1.PodFailurePolicyRule = 1:action:?s 2:onExitCodes:?batch1.PodFailurePolicyOnExitCodesRequirement
          3:onPodConditions:[batch1.PodFailurePolicyOnPodConditionsPattern
        batch1.PodFailurePolicyOnExitCodesRequirement = 1:containerName:?s 2:operator:?s 3:values:[i
        batch1.PodFailurePolicyOnPodConditionsPattern = 1:type:?s 2:status:?s
        batch1.SuccessPolicy = 1:rules:[batch1.SuccessPolicyRule
        batch1.SuccessPolicyRule = 1:succeededIndexes:?s 2:succeededCount:?i
        batch1.JobSchedulingConfiguration =
        batch1.JobStatus = 1:conditions:[batch1.JobCondition 2:startTime:t 3:completionTime:t 4:active:i 5:succeeded:i
          6:failed:i 11:terminating:?i 7:completedIndexes:s 10:failedIndexes:?s
          8:uncountedTerminatedPods:?batch1.UncountedTerminatedPods 9:ready:?i
        batch1.JobCondition = 1:type:?s 2:status:?s 3:lastProbeTime:t 4:lastTransitionTime:t 5:reason:s 6:message:s
        batch1.UncountedTerminatedPods = 1:succeeded:[s 2:failed:[s
        batch1.CronJob = 1:metadata:ObjectMeta 2:spec:batch1.CronJobSpec 3:status:batch1.CronJobStatus
        batch1.CronJobSpec = 1:schedule:?s 8:timeZone:?s 2:startingDeadlineSeconds:?i 3:concurrencyPolicy:s 4:suspend:?b
          5:jobTemplate:?batch1.JobTemplateSpec 6:successfulJobsHistoryLimit:?i 7:failedJobsHistoryLimit:?i
        batch1.JobTemplateSpec = 1:metadata:ObjectMeta 2:spec:batch1.JobSpec
        batch1.CronJobStatus = 1:active:[ObjectReference 4:lastScheduleTime:t 5:lastSuccessfulTime:t
        batch1beta1.CronJob = 1:metadata:ObjectMeta 2:spec:batch1beta1.CronJobSpec 3:status:batch1beta1.CronJobStatus
        batch1beta1.CronJobSpec = 1:schedule:?s 8:timeZone:?s 2:startingDeadlineSeconds:?i 3:concurrencyPolicy:s
          4:suspend:?b 5:jobTemplate:?batch1beta1.JobTemplateSpec 6:successfulJobsHistoryLimit:?i
          7:failedJobsHistoryLimit:?i
        batch1beta1.JobTemplateSpec = 1:metadata:ObjectMeta 2:spec:batch1.JobSpec
        batch1beta1.CronJobStatus = 1:active:[ObjectReference 4:lastScheduleTime:t 5:lastSuccessfulTime:t
        networking1.Ingress = 1:metadata:ObjectMeta 2:spec:networking1.IngressSpec 3:status:networking1.IngressStatus
        networking1.IngressSpec = 4:ingressClassName:?s 1:defaultBackend:?networking1.IngressBackend
          2:tls:[networking1.IngressTLS 3:rules:[networking1.IngressRule
        networking1.IngressBackend = 4:service:?networking1.IngressServiceBackend 3:resource:?TypedLocalObjectReference
        networking1.IngressServiceBackend = 1:name:?s 2:port:networking1.ServiceBackendPort
        networking1.ServiceBackendPort = 1:name:s 2:number:i
        networking1.IngressTLS = 1:hosts:[s 2:secretName:s
        networking1.IngressRule = 1:host:s 2::networking1.IngressRuleValue
        networking1.IngressRuleValue = 1:http:?networking1.HTTPIngressRuleValue
        networking1.HTTPIngressRuleValue = 1:paths:[networking1.HTTPIngressPath
        networking1.HTTPIngressPath = 1:path:s 3:pathType:?s 2:backend:?networking1.IngressBackend
        networking1.IngressStatus = 1:loadBalancer:networking1.IngressLoadBalancerStatus
        networking1.IngressLoadBalancerStatus = 1:ingress:[networking1.IngressLoadBalancerIngress
        networking1.IngressLoadBalancerIngress = 1:ip:s 2:hostname:s 4:ports:[networking1.IngressPortStatus
        networking1.IngressPortStatus = 1:port:?i 2:protocol:?s 3:error:?s
        networking1.IngressClass = 1:metadata:ObjectMeta 2:spec:networking1.IngressClassSpec
        networking1.IngressClassSpec = 1:controller:s 2:parameters:?networking1.IngressClassParametersReference
        networking1.IngressClassParametersReference = 1:apiGroup:?s 2:kind:?s 3:name:?s 4:scope:?s 5:namespace:?s
        networking1.NetworkPolicy = 1:metadata:ObjectMeta 2:spec:networking1.NetworkPolicySpec
        networking1.NetworkPolicySpec = 1:podSelector:?LabelSelector 2:ingress:[networking1.NetworkPolicyIngressRule
          3:egress:[networking1.NetworkPolicyEgressRule 4:policyTypes:[s
        networking1.NetworkPolicyIngressRule = 1:ports:[networking1.NetworkPolicyPort
          2:from:[networking1.NetworkPolicyPeer
        networking1.NetworkPolicyPort = 1:protocol:?s 2:port:?x 3:endPort:?i
        networking1.NetworkPolicyPeer = 1:podSelector:?LabelSelector 2:namespaceSelector:?LabelSelector
          3:ipBlock:?networking1.IPBlock
        networking1.IPBlock = 1:cidr:?s 2:except:[s
        networking1.NetworkPolicyEgressRule = 1:ports:[networking1.NetworkPolicyPort 2:to:[networking1.NetworkPolicyPeer
        networking1beta1.Ingress = 1:metadata:ObjectMeta 2:spec:networking1beta1.IngressSpec
          3:status:networking1beta1.IngressStatus
        networking1beta1.IngressSpec = 4:ingressClassName:?s 1:backend:?networking1beta1.IngressBackend
          2:tls:[networking1beta1.IngressTLS 3:rules:[networking1beta1.IngressRule
        networking1beta1.IngressBackend = 1:serviceName:s 2:servicePort:x 3:resource:?TypedLocalObjectReference
        networking1beta1.IngressTLS = 1:hosts:[s 2:secretName:s
        networking1beta1.IngressRule = 1:host:s 2::networking1beta1.IngressRuleValue
        networking1beta1.IngressRuleValue = 1:http:?networking1beta1.HTTPIngressRuleValue
        networking1beta1.HTTPIngressRuleValue = 1:paths:[networking1beta1.HTTPIngressPath
        networking1beta1.HTTPIngressPath = 1:path:s 3:pathType:?s 2:backend:?networking1beta1.IngressBackend
        networking1beta1.IngressStatus = 1:loadBalancer:networking1beta1.IngressLoadBalancerStatus
        networking1beta1.IngressLoadBalancerStatus = 1:ingress:[networking1beta1.IngressLoadBalancerIngress
        networking1beta1.IngressLoadBalancerIngress = 1:ip:s 2:hostname:s 4:ports:[networking1beta1.IngressPortStatus
        networking1beta1.IngressPortStatus = 1:port:?i 2:protocol:?s 3:error:?s
        networking1beta1.IngressClass = 1:metadata:ObjectMeta 2:spec:networking1beta1.IngressClassSpec
        networking1beta1.IngressClassSpec = 1:controller:s
          2:parameters:?networking1beta1.IngressClassParametersReference
        networking1beta1.IngressClassParametersReference = 1:apiGroup:?s 2:kind:?s 3:name:?s 4:scope:?s 5:namespace:?s
        rbac1.Role = 1:metadata:ObjectMeta 2:rules:[rbac1.PolicyRule
        rbac1.PolicyRule = 1:verbs:[s 2:apiGroups:[s 3:resources:[s 4:resourceNames:[s 5:nonResourceURLs:[s
        rbac1.RoleBinding = 1:metadata:ObjectMeta 2:subjects:[rbac1.Subject 3:roleRef:?rbac1.RoleRef
        rbac1.Subject = 1:kind:?s 2:apiGroup:s 3:name:?s 4:namespace:s
        rbac1.RoleRef = 1:apiGroup:?s 2:kind:?s 3:name:?s
        rbac1.ClusterRole = 1:metadata:ObjectMeta 2:rules:[rbac1.PolicyRule 3:aggregationRule:?rbac1.AggregationRule
        rbac1.AggregationRule = 1:clusterRoleSelectors:[LabelSelector
        rbac1.ClusterRoleBinding = 1:metadata:ObjectMeta 2:subjects:[rbac1.Subject 3:roleRef:?rbac1.RoleRef
        policy1.PodDisruptionBudget = 1:metadata:ObjectMeta 2:spec:policy1.PodDisruptionBudgetSpec
          3:status:policy1.PodDisruptionBudgetStatus
        policy1.PodDisruptionBudgetSpec = 1:minAvailable:?x 2:selector:?LabelSelector 3:maxUnavailable:?x
          4:unhealthyPodEvictionPolicy:?s
        policy1.PodDisruptionBudgetStatus = 1:observedGeneration:i 2:disruptedPods:{t 3:disruptionsAllowed:?i
          4:currentHealthy:?i 5:desiredHealthy:?i 6:expectedPods:?i 7:conditions:[Condition
        policy1beta1.PodDisruptionBudget = 1:metadata:ObjectMeta 2:spec:policy1beta1.PodDisruptionBudgetSpec
          3:status:policy1beta1.PodDisruptionBudgetStatus
        policy1beta1.PodDisruptionBudgetSpec = 1:minAvailable:?x 2:selector:?LabelSelector 3:maxUnavailable:?x
          4:unhealthyPodEvictionPolicy:?s
        policy1beta1.PodDisruptionBudgetStatus = 1:observedGeneration:i 2:disruptedPods:{t 3:disruptionsAllowed:?i
          4:currentHealthy:?i 5:desiredHealthy:?i 6:expectedPods:?i 7:conditions:[Condition
        autoscaling1.HorizontalPodAutoscaler = 1:metadata:ObjectMeta 2:spec:autoscaling1.HorizontalPodAutoscalerSpec
          3:status:autoscaling1.HorizontalPodAutoscalerStatus
        autoscaling1.HorizontalPodAutoscalerSpec = 1:scaleTargetRef:?autoscaling1.CrossVersionObjectReference
          2:minReplicas:?i 3:maxReplicas:?i 4:targetCPUUtilizationPercentage:?i
        autoscaling1.CrossVersionObjectReference = 1:kind:?s 2:name:?s 3:apiVersion:s
        autoscaling1.HorizontalPodAutoscalerStatus = 1:observedGeneration:?i 2:lastScaleTime:t 3:currentReplicas:?i
          4:desiredReplicas:?i 5:currentCPUUtilizationPercentage:?i
        autoscaling2.HorizontalPodAutoscaler = 1:metadata:ObjectMeta 2:spec:autoscaling2.HorizontalPodAutoscalerSpec
          3:status:autoscaling2.HorizontalPodAutoscalerStatus
        autoscaling2.HorizontalPodAutoscalerSpec = 1:scaleTargetRef:?autoscaling2.CrossVersionObjectReference
          2:minReplicas:?i 3:maxReplicas:?i 4:metrics:[autoscaling2.MetricSpec
          5:behavior:?autoscaling2.HorizontalPodAutoscalerBehavior
        autoscaling2.CrossVersionObjectReference = 1:kind:?s 2:name:?s 3:apiVersion:s
        autoscaling2.MetricSpec = 1:type:?s 2:object:?autoscaling2.ObjectMetricSource
          3:pods:?autoscaling2.PodsMetricSource 4:resource:?autoscaling2.ResourceMetricSource
          7:containerResource:?autoscaling2.ContainerResourceMetricSource 5:external:?autoscaling2.ExternalMetricSource
        autoscaling2.ObjectMetricSource = 1:describedObject:?autoscaling2.CrossVersionObjectReference
          2:target:?autoscaling2.MetricTarget 3:metric:?autoscaling2.MetricIdentifier
        autoscaling2.MetricTarget = 1:type:?s 2:value:?q 3:averageValue:?q 4:averageUtilization:?i
        autoscaling2.MetricIdentifier = 1:name:?s 2:selector:?LabelSelector
        autoscaling2.PodsMetricSource = 1:metric:?autoscaling2.MetricIdentifier 2:target:?autoscaling2.MetricTarget
        autoscaling2.ResourceMetricSource = 1:name:?s 2:target:?autoscaling2.MetricTarget
        autoscaling2.ContainerResourceMetricSource = 1:name:?s 2:target:?autoscaling2.MetricTarget 3:container:?s
        autoscaling2.ExternalMetricSource = 1:metric:?autoscaling2.MetricIdentifier 2:target:?autoscaling2.MetricTarget
        autoscaling2.HorizontalPodAutoscalerBehavior = 1:scaleUp:?autoscaling2.HPAScalingRules
          2:scaleDown:?autoscaling2.HPAScalingRules
        autoscaling2.HPAScalingRules = 3:stabilizationWindowSeconds:?i 1:selectPolicy:?s
          2:policies:[autoscaling2.HPAScalingPolicy 4:tolerance:?q
        autoscaling2.HPAScalingPolicy = 1:type:?s 2:value:?i 3:periodSeconds:?i
        autoscaling2.HorizontalPodAutoscalerStatus = 1:observedGeneration:?i 2:lastScaleTime:t 3:currentReplicas:i
          4:desiredReplicas:?i 5:currentMetrics:[autoscaling2.MetricStatus
          6:conditions:[autoscaling2.HorizontalPodAutoscalerCondition
        autoscaling2.MetricStatus = 1:type:?s 2:object:?autoscaling2.ObjectMetricStatus
          3:pods:?autoscaling2.PodsMetricStatus 4:resource:?autoscaling2.ResourceMetricStatus
          7:containerResource:?autoscaling2.ContainerResourceMetricStatus 5:external:?autoscaling2.ExternalMetricStatus
        autoscaling2.ObjectMetricStatus = 1:metric:?autoscaling2.MetricIdentifier
          2:current:?autoscaling2.MetricValueStatus 3:describedObject:?autoscaling2.CrossVersionObjectReference
        autoscaling2.MetricValueStatus = 1:value:?q 2:averageValue:?q 3:averageUtilization:?i
        autoscaling2.PodsMetricStatus = 1:metric:?autoscaling2.MetricIdentifier
          2:current:?autoscaling2.MetricValueStatus
        autoscaling2.ResourceMetricStatus = 1:name:?s 2:current:?autoscaling2.MetricValueStatus
        autoscaling2.ContainerResourceMetricStatus = 1:name:?s 2:current:?autoscaling2.MetricValueStatus 3:container:?s
        autoscaling2.ExternalMetricStatus = 1:metric:?autoscaling2.MetricIdentifier
          2:current:?autoscaling2.MetricValueStatus
        autoscaling2.HorizontalPodAutoscalerCondition = 1:type:?s 2:status:?s 3:lastTransitionTime:t 4:reason:s
          5:message:s 6:observedGeneration:?i
        storage1.StorageClass = 1:metadata:ObjectMeta 2:provisioner:?s 3:parameters:{s 4:reclaimPolicy:?s
          5:mountOptions:[s 6:allowVolumeExpansion:?b 7:volumeBindingMode:?s 8:allowedTopologies:[TopologySelectorTerm
        scheduling1.PriorityClass = 1:metadata:ObjectMeta 2:value:?i 3:globalDefault:b 4:description:s
          5:preemptionPolicy:?s
        discovery1.EndpointSlice = 1:metadata:ObjectMeta 4:addressType:?s 2:endpoints:[discovery1.Endpoint
          3:ports:[discovery1.EndpointPort
        discovery1.Endpoint = 1:addresses:[s 2:conditions:discovery1.EndpointConditions 3:hostname:?s
          4:targetRef:?ObjectReference 5:deprecatedTopology:{s 6:nodeName:?s 7:zone:?s 8:hints:?discovery1.EndpointHints
        discovery1.EndpointConditions = 1:ready:?b 2:serving:?b 3:terminating:?b
        discovery1.EndpointHints = 1:forZones:[discovery1.ForZone 2:forNodes:[discovery1.ForNode
        discovery1.ForZone = 1:name:?s
        discovery1.ForNode = 1:name:?s
        discovery1.EndpointPort = 1:name:?s 2:protocol:?s 3:port:?i 4:appProtocol:?s
        ImageVolumeStatus = 1:imageRef:s
        ContainerUser = 1:linux:?LinuxContainerUser
        LinuxContainerUser = 1:uid:?i 2:gid:?i 3:supplementalGroups:[i
        ResourceStatus = 1:name:?s 2:resources:[ResourceHealth
        ResourceHealth = 1:resourceID:?s 2:health:s 6:message:?s
        PodResourceClaimStatus = 1:name:?s 2:resourceClaimName:?s
        PodExtendedResourceClaimStatus = 1:requestMappings:[ContainerExtendedResourceRequest 2:resourceClaimName:?s
        ContainerExtendedResourceRequest = 1:containerName:?s 2:resourceName:?s 3:requestName:?s
        NodeAllocatableResourceClaimStatus = 1:resourceClaimName:?s 2:containers:[s
          4:mapping:[NodeAllocatableMappedResources 5:overhead:[NodeAllocatableOverheadResources
        NodeAllocatableMappedResources = 1:name:?s 2:quantity:?q
        NodeAllocatableOverheadResources = 1:name:?s 2:perPod:?q 3:perContainer:?q
        PodVolumeHealth = 1:name:?s 2:healthConditions:[VolumeHealthCondition 3:lastTransitionTime:t
        ResourceQuota = 1:metadata:ObjectMeta 2:spec:ResourceQuotaSpec 3:status:ResourceQuotaStatus
        ResourceQuotaSpec = 1:hard:{q 2:scopes:[s 3:scopeSelector:?ScopeSelector
        ScopeSelector = 1:matchExpressions:[ScopedResourceSelectorRequirement
        ScopedResourceSelectorRequirement = 1:scopeName:?s 2:operator:?s 3:values:[s
        ResourceQuotaStatus = 1:hard:{q 2:used:{q
        LimitRange = 1:metadata:ObjectMeta 2:spec:LimitRangeSpec
        LimitRangeSpec = 1:limits:[LimitRangeItem
        LimitRangeItem = 1:type:?s 2:max:{q 3:min:{q 4:default:{q 5:defaultRequest:{q 6:maxLimitRequestRatio:{q
        Endpoints = 1:metadata:ObjectMeta 2:subsets:[EndpointSubset
        EndpointSubset = 1:addresses:[EndpointAddress 2:notReadyAddresses:[EndpointAddress 3:ports:[EndpointPort
        EndpointAddress = 1:ip:?s 3:hostname:s 4:nodeName:?s 2:targetRef:?ObjectReference
        EndpointPort = 1:name:s 2:port:?i 3:protocol:s 4:appProtocol:?s
        ReplicationController = 1:metadata:ObjectMeta 2:spec:ReplicationControllerSpec
          3:status:ReplicationControllerStatus
        ReplicationControllerSpec = 1:replicas:?i 4:minReadySeconds:i 2:selector:{s 3:template:?PodTemplateSpec
        PodTemplateSpec = 1:metadata:ObjectMeta 2:spec:PodSpec
        ReplicationControllerStatus = 1:replicas:?i 2:fullyLabeledReplicas:i 4:readyReplicas:i 5:availableReplicas:i
          3:observedGeneration:i 6:conditions:[ReplicationControllerCondition
        ReplicationControllerCondition = 1:type:?s 2:status:?s 3:lastTransitionTime:t 4:reason:s 5:message:s
        PodTemplate = 1:metadata:ObjectMeta 2:template:PodTemplateSpec
        TopologySelectorTerm = 1:matchLabelExpressions:[TopologySelectorLabelRequirement
        TopologySelectorLabelRequirement = 1:key:?s 2:values:[s
        """
}
