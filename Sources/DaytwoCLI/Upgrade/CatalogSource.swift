import Failures
import Files
import Foundation
import JSONValues
import Operations
import Policies
import Transfer

/// Where releases of k3s are read: a file, or a server whose answers are kept in the state directory.
///
/// What is kept is more than a cache: since when a channel points where it does is known from there alone.
struct CatalogSource {
    private let place: UpgradeSettings.Catalog?
    private let cacheFor: TimeInterval
    private let session: Session

    /// `told` is `--catalog`.
    init(told: String?, _ session: Session) throws(Failure) {
        self.session = session
        let settings = try session.settings.optionalConfiguration(session.console)?.upgrades
        cacheFor = settings?.cacheFor ?? 6 * 3600
        if let told {
            place = told.hasPrefix("http://") || told.hasPrefix("https://") ? .url(told) : .file(told)
        } else {
            place = settings?.catalog
        }
    }

    /// The catalog; empty where none is named.
    func catalog() throws(Failure) -> VersionCatalog {
        switch place {
        case nil:
            session.console.note(
                "no catalog of versions is named (upgrades.catalog, or --catalog): only single releases are targets")
            return .empty
        case .file(let path): return try VersionCatalog.load(path: path)
        case .url(let url): return try kept(url)
        }
    }

    private func kept(_ url: String) throws(Failure) -> VersionCatalog {
        let directory = try session.settings.stateDirectory().path
        let path = "\(directory)/catalogs/\(Self.fileName(url))"
        let earlier = earlier(path)
        if let earlier, session.now.timeIntervalSince(earlier.at) < cacheFor, earlier.at <= session.now {
            return earlier.catalog
        }
        do throws(Failure) {
            let fresh = try fetch(url).remembering(earlier?.catalog, at: session.now)
            keep(fresh, path)
            return fresh
        } catch {
            guard let earlier, error.stopSignal == nil else { throw error }
            session.console.warn(
                "the catalog of \(Formats.ago(earlier.at, at: session.now)) is used: \(error.description)")
            return earlier.catalog
        }
    }

    private func earlier(_ path: String) -> (catalog: VersionCatalog, at: Date)? {
        do throws(Failure) {
            guard let status = try FileStatus.ifPresent(path) else { return nil }
            let at = Date(timeIntervalSince1970: Double(status.modified.seconds))
            return (try VersionCatalog.load(path: path), at)
        } catch {
            session.console.warn("the catalog that was kept cannot be used: \(error.description)")
            return nil
        }
    }

    private func keep(_ catalog: VersionCatalog, _ path: String) {
        do throws(Failure) {
            try createDirectory(String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex)))
            try durablyWrite(catalog.document.serialized(), to: path, replacing: true)
        } catch {
            session.console.warn("the catalog could not be kept: \(error.description)")
        }
    }

    private func fetch(_ url: String) throws(Failure) -> VersionCatalog {
        let (proxy, without) = Environment.proxy
        let context = session.context(stopped: "run the command again")
        let request = HTTPRequest(
            "GET", url, headers: [HTTPHeader("Accept", "application/json")], responseLimit: VersionCatalog.largest)
        let answer = try HTTPClient(proxy: proxy, withoutProxy: without).send(request, checkStop: context.checkStop)
        return try VersionCatalog(bytes: answer.body, from: url)
    }

    /// One file for each address.
    private static func fileName(_ url: String) -> String {
        String(url.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }.prefix(180)) + ".json"
    }
}
