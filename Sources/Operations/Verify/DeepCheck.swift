import Archive
import Datastore
import Failures

/// Holds the database and the identity in an archive against what the archive says of them.
struct DeepCheck {
    let reader: ArchiveReader
    let facts: ArchiveFacts
    /// The small files of the archive, by their paths in it.
    let files: [String: [UInt8]]

    /// The files that ``files`` should hold.
    static let wanted = Set(
        (IdentityFile.allCases.map(\.path) + KubernetesFiles.looked).map { "server/\($0)" } + [tokenPath])
    private static let tokenPath = "server/token"

    /// Throws `verificationFailed` with everything that differs; gives what could not be compared.
    func compare(_ database: DatastoreFile, scratchDirectory: String) throws(Failure) -> [String] {
        var problems: [String] = []
        func expect(_ isEqual: Bool, _ problem: @autoclosure () -> String) {
            if !isEqual { problems.append(problem()) }
        }
        let document = facts.document
        let expected = document.datastore.window
        let found = try database.inspect(scratchDirectory: scratchDirectory)
        expect(
            found.window == expected, "its revisions are \(text(found.window)), backup.json says \(text(expected))")
        expect(
            found.rowsSHA256 == document.datastore.rowsSHA256, "the digest of its rows is not the one in backup.json")
        expect(found.rows == expected.rows, "it has \(found.rows) rows, backup.json says \(expected.rows)")
        if let contents = facts.contents?.datastore {
            expect(contents.rowsSHA256 == found.rowsSHA256, "the digest of its rows is not the one in inventory.json")
            problems += differences(found.contents, contents)
        } else {
            problems.append("inventory.json does not say what is in the datastore")
        }
        expect(
            found.contents.clusterUID == document.identity.clusterUID, "it is of another cluster than backup.json says")
        if facts.index.inventory.entry(ObjectsReading.path)?.sha256?.hex != found.objects.sha256 {
            let isSame = try ObjectsReading(reader, facts.index).isSame(
                as: found.objects, wholly: document.daytwoVersion == OperationContext.version)
            expect(isSame, "objects.ndjson is not the list of the objects in the database")
        }
        var remarks: [String] = []
        problems += identityProblems(found.contents, &remarks)
        guard problems.isEmpty else {
            throw Failure(
                .verificationFailed, "the database in \(reader.name) is not what was backed up",
                why: problems.joined(separator: "; "), next: "use another backup")
        }
        return remarks
    }

    private func differences(_ found: DatastoreContents, _ told: InventoryFacts.Contents) -> [String] {
        var problems: [String] = []
        if found.liveKeys != told.liveKeys {
            problems.append("it has \(found.liveKeys) live keys, inventory.json says \(told.liveKeys)")
        }
        if found.resources != told.resources {
            let toldByPrefix = Dictionary(
                told.resources.map { ($0.prefix, $0) }, uniquingKeysWith: { first, _ in first })
            let differing = found.resources.filter { toldByPrefix[$0.prefix] != $0 }.map(\.prefix)
            let names = differing.isEmpty ? "some are missing" : differing.prefix(5).joined(separator: ", ")
            problems.append("the counts by resource are not those of inventory.json (\(names))")
        }
        if found.largest != told.largest { problems.append("the largest values are not those of inventory.json") }
        if found.secrets != told.secrets { problems.append("the encoding of Secrets is not that of inventory.json") }
        if found.problemCount != told.unreadable {
            problems.append("\(found.problemCount) values are unreadable, inventory.json says \(told.unreadable)")
        }
        return problems
    }

    /// The token is tried again, on the row in the archived database.
    private func identityProblems(_ contents: DatastoreContents, _ remarks: inout [String]) -> [String] {
        let document = facts.document
        if document.distribution == .kubernetes { return kubernetesProblems() }
        let bytes = files[Self.tokenPath]
        let proof: BootstrapProof
        do throws(Failure) {
            let token: ServerToken?
            if let bytes { token = try ServerToken(parsing: bytes) } else { token = nil }
            proof = BootstrapProof(token: token, rows: contents.bootstrapRows)
        } catch {
            // A token that is none was recorded as one that proves nothing.
            return document.token.isProven ? ["the token in it cannot be read: \(error.description)"] : []
        }
        if bytes == nil, document.token.isProven, !proof.isProven {
            remarks.append("the token is not in the archive, so that it could not be tried again")
            return authorityProblems(nil)
        }
        var problems: [String] = []
        if proof.isProven != document.token.isProven {
            problems.append(
                proof.isProven
                    ? "the token in it opens the identity, backup.json says that it does not"
                    : "the token in it does not open the identity, as backup.json says of the token at the backup")
        } else if proof.opening?.key != document.token.bootstrapKey {
            problems.append("the token opens another bootstrap row than backup.json says")
        }
        return problems + authorityProblems(proof.contents)
    }

    private func kubernetesProblems() -> [String] {
        let found = KubernetesFiles.fingerprints { files["server/\($0)"] }
        let (state, sentence) = KubernetesFiles.state { files["server/\($0)"] }
        var problems: [String] = []
        if found.authorities != facts.document.authorities {
            problems.append("the certificate authorities are not those of backup.json")
        }
        if state != facts.document.identityFilesState {
            problems.append("identity: \(sentence), backup.json says: \(facts.document.identityFiles)")
        }
        return problems
    }

    private func authorityProblems(_ contents: BootstrapContents?) -> [String] {
        let recorded = CertificateFingerprints(authorities: facts.document.authorities)
        let inFiles = CertificateFingerprints { files["server/\($0.path)"] }
        let found = contents.map(CertificateFingerprints.init) ?? inFiles
        var problems: [String] = []
        if found.authorities != recorded.authorities {
            problems.append("the certificate authorities are not those of backup.json")
        }
        if let contents {
            let identity = IdentitySet(contents: contents) { files["server/\($0.path)"] }
            if "\(identity.state)" != facts.document.identityFilesState {
                problems.append("identity: \(identity.sentence), backup.json says: \(facts.document.identityFiles)")
            }
        }
        return problems
    }

    private func text(_ window: KineWindow) -> String {
        "\(window.minRevision) to \(window.maxRevision) (\(window.rows) rows, compacted at \(window.compactRevision),"
            + " sequence \(window.sequence))"
    }
}
