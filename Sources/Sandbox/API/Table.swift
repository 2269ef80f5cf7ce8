internal import FoundationEssentials
internal import JSONValues

/// Lists as `kubectl get` shows them: columns that the server knows.
enum Table {
    private struct Column {
        let name: String
        var type = "string"
        let value: (JSONValue) -> JSONValue
    }

    static func json(_ objects: [JSONValue], _ resource: Resource, metadata: JSONValue) -> JSONValue {
        let columns =
            [Column(name: "Name") { $0["metadata", "name"] ?? .null }] + own(resource)
            + [Column(name: "Age") { .string(age($0)) }]
        return .members([
            "kind": .string("Table"), "apiVersion": .string("meta.k8s.io/v1"), "metadata": metadata,
            "columnDefinitions": .array(
                columns.map {
                    .members([
                        "name": .string($0.name), "type": .string($0.type),
                        "format": .string($0.name == "Name" ? "name" : ""), "description": .string(""),
                        "priority": .integer(0),
                    ])
                }),
            "rows": .array(
                objects.map { object in
                    .members([
                        "cells": .array(columns.map { $0.value(object) }),
                        "object": .members([
                            "kind": .string("PartialObjectMetadata"), "apiVersion": .string("meta.k8s.io/v1"),
                            "metadata": object["metadata"],
                        ]),
                    ])
                }),
        ])
    }

    private static func own(_ resource: Resource) -> [Column] {
        switch resource {
        case .pods:
            return [
                Column(name: "Ready") { pod in
                    let statuses = pod.list("status", "containerStatuses")
                    let ready = statuses.filter { $0["ready"]?.boolValue ?? false }.count
                    return .string("\(ready)/\(pod.list("spec", "containers").count)")
                },
                Column(name: "Status") { .string(podStatus($0)) },
                Column(name: "Restarts", type: "integer") { pod in
                    .integer(
                        pod.list("status", "containerStatuses").reduce(0) { $0 + ($1.number("restartCount") ?? 0) })
                },
            ]
        case .statefulSets:
            return [Column(name: "Ready") { .string(ready($0)) }]
        case .deployments:
            return [
                Column(name: "Ready") { .string(ready($0)) },
                Column(name: "Up-to-date", type: "integer") { .integer($0.number("status", "updatedReplicas") ?? 0) },
                Column(name: "Available", type: "integer") { .integer($0.number("status", "availableReplicas") ?? 0) },
            ]
        case .jobs:
            return [
                Column(name: "Completions") { job in
                    .string("\(job.number("status", "succeeded") ?? 0)/\(job.number("spec", "completions") ?? 1)")
                }
            ]
        case .persistentVolumeClaims:
            return [
                Column(name: "Status") { $0["status", "phase"] ?? .null },
                Column(name: "Volume") { $0["spec", "volumeName"] ?? .string("") },
                Column(name: "Capacity") { $0["status", "capacity", "storage"] ?? .string("") },
                Column(name: "StorageClass") { $0["spec", "storageClassName"] ?? .string("") },
            ]
        case .persistentVolumes:
            return [
                Column(name: "Capacity") { $0["spec", "capacity", "storage"] ?? .string("") },
                Column(name: "Reclaim Policy") { $0["spec", "persistentVolumeReclaimPolicy"] ?? .null },
                Column(name: "Status") { $0["status", "phase"] ?? .null },
                Column(name: "Claim") { volume in
                    let name = volume.text("spec", "claimRef", "name")
                    return .string(name.map { "\(volume.text("spec", "claimRef", "namespace") ?? "")/\($0)" } ?? "")
                },
            ]
        case .services:
            return [
                Column(name: "Type") { $0["spec", "type"] ?? .null },
                Column(name: "Cluster-IP") { $0["spec", "clusterIP"] ?? .null },
            ]
        case .namespaces, .nodes:
            return [
                Column(name: "Status") { object in
                    if let phase = object["status", "phase"] { return phase }
                    let ready = object.list("status", "conditions").first { $0.text("type") == "Ready" }
                    return .string(ready?.text("status") == "True" ? "Ready" : "NotReady")
                }
            ]
        case .events:
            return [
                Column(name: "Type") { $0["type"] ?? .null }, Column(name: "Reason") { $0["reason"] ?? .null },
                Column(name: "Object") { event in
                    .string(
                        "\((event.text("involvedObject", "kind") ?? "").lowercased())/"
                            + (event.text("involvedObject", "name") ?? ""))
                }, Column(name: "Message") { $0["message"] ?? .null },
            ]
        default: return []
        }
    }

    private static func ready(_ object: JSONValue) -> String {
        "\(object.number("status", "readyReplicas") ?? 0)/\(object.number("spec", "replicas") ?? 0)"
    }

    private static func podStatus(_ pod: JSONValue) -> String {
        if pod["metadata", "deletionTimestamp"] != nil { return "Terminating" }
        for status in pod.list("status", "containerStatuses") {
            if let reason = status.text("state", "waiting", "reason") { return reason }
            if let reason = status.text("state", "terminated", "reason") { return reason }
        }
        return pod.text("status", "phase") ?? "Unknown"
    }

    private static func age(_ object: JSONValue) -> String {
        guard let date = Moment.parse(object.text("metadata", "creationTimestamp") ?? "") else { return "<unknown>" }
        let seconds = max(0, Int(Date().timeIntervalSince(date)))
        if seconds < 120 { return "\(seconds)s" }
        if seconds < 7200 { return "\(seconds / 60)m" }
        return seconds < 172_800 ? "\(seconds / 3600)h" : "\(seconds / 86_400)d"
    }
}
