import Archive
public import Datastore
import Failures

/// What becomes of volumes that are newer than the backup, where a syncer deletes those that the restored datastore does
/// not know, and their data with them.
public enum NewerVolumes: String, Codable, Sendable {
    /// They come along from the replaced datastore.
    case carryOver
    /// They are lost.
    case drop

    var outcome: NewerVolume.Outcome {
        switch self {
        case .carryOver: .carriedOver
        case .drop: .lost
        }
    }
}

/// What a restore means for the objects that the replaced datastore has and the backup has not.
public struct NewerObjects: Codable, Sendable, Equatable {
    /// Volume claims, volumes, and the namespaces that such claims need.
    public var volumes: [NewerVolume] = []
    /// Other objects, which will be gone: how many of each resource, `pods` or `certificates.cert-manager.io`.
    public var others: [String: Int] = [:]
    /// Why the replaced datastore could not be compared with the backup; nothing is known of what it has then.
    public var problem: String?

    /// Compares what is there with what an archive says that it has. A database that cannot be read is in nobody's way.
    init(
        in inspection: TargetInspection, _ target: RestorePlan.Target, than archive: RestoreArchive,
        _ choice: NewerVolumes
    ) throws(Failure) {
        guard archive.driver == .kine, target.driver == nil || target.driver == DatastoreDriver.kine.rawValue else {
            problem = "only datastores of kine on SQLite can be compared"
            return
        }
        guard target.database == "readable" else {
            problem = target.databaseProblem ?? "there is no database"
            return
        }
        guard let keys = try archive.liveKeys() else {
            problem = "the backup has no list of its objects"
            return
        }
        do throws(Failure) {
            let survey = try inspection.withDatabase { (file) throws(Failure) in
                try VolumeSurvey(replaced: file, outcome: choice.outcome) { keys[$0] }
            }
            volumes = survey.volumes
            others = survey.others
        } catch {
            problem = error.description
        }
    }

    var warnings: [String] {
        if let problem {
            return [
                "what is newer than the backup is unknown (\(problem)): nothing can be carried over, and a syncer deletes"
                    + " the volumes of claims that the restored datastore does not know"
            ]
        }
        let lost = volumes.filter { $0.outcome == .lost }
        guard !lost.isEmpty else { return [] }
        return ["volumes that are newer than the backup are lost: " + lost.map(\.name).joined(separator: ", ")]
    }
}

extension RestoreArchive {
    /// The keys that the archive says are live, with the UIDs of volumes; nil where it has no such list.
    func liveKeys() throws(Failure) -> [String: VolumeSurvey.Restored]? {
        guard index.inventory.entry(ObjectsReading.path) != nil else { return nil }
        let found = Gathering()
        try ObjectsReading(reader, index).each { line throws(Failure) in
            found.keys[line.key] = VolumeSurvey.Restored(
                uid: VolumeSurvey.isVolume(line.key) ? line.uid : nil, isBeingDeleted: line.deleted != nil)
        }
        return found.keys
    }

    /// What the archive says that a move would clean, by key. Throws `notFound` where it has no list of its objects.
    func hostBindings(_ kinds: [HostBinding.Kind]) throws(Failure) -> [HostBinding] {
        try ObjectsReading(reader, index).hostBindings(kinds)
    }

    private final class Gathering {
        var keys: [String: VolumeSurvey.Restored] = [:]
    }
}

extension ObjectsReading {
    /// What belongs to the host that the objects were on, by key.
    func hostBindings(_ kinds: [HostBinding.Kind]) throws(Failure) -> [HostBinding] {
        final class Found {
            var bindings: [HostBinding] = []
        }
        let found = Found()
        try each { line throws(Failure) in
            guard let binding = HostBinding(key: line.key, encoding: line.encoding), kinds.contains(binding.kind) else {
                return
            }
            found.bindings.append(binding)
        }
        return found.bindings.sorted { $0.key < $1.key }
    }
}
