internal import Kubernetes
internal import JSONValues

/// An answer that is no success: a `Status` object, as the Kubernetes API shapes it.
struct APIError: Error, Sendable {
    let code: Int
    let reason: String
    let message: String
    var details: JSONValue?
    var retryAfterSeconds: Int?

    var json: JSONValue {
        .members([
            "kind": .string("Status"), "apiVersion": .string("v1"), "metadata": .object([]),
            "status": .string("Failure"), "message": .string(message),
            "reason": reason.isEmpty ? nil : .string(reason), "details": details, "code": .integer(code),
        ])
    }

    private static func details(_ resource: Resource, _ name: String, causes: [JSONValue]? = nil) -> JSONValue {
        .members([
            "name": name.isEmpty ? nil : .string(name),
            "group": resource.type.group.isEmpty ? nil : .string(resource.type.group),
            "kind": .string(resource.type.plural), "causes": causes.map(JSONValue.array),
        ])
    }

    static let unauthorized = APIError(code: 401, reason: "Unauthorized", message: "Unauthorized")

    static let noSuchPath = APIError(
        code: 404, reason: "NotFound", message: "the server could not find the requested resource",
        details: .object([]))

    static func notFound(_ resource: Resource, _ name: String) -> APIError {
        APIError(
            code: 404, reason: "NotFound", message: "\(resource.key) \"\(name)\" not found",
            details: details(resource, name))
    }

    static func alreadyExists(_ resource: Resource, _ name: String) -> APIError {
        APIError(
            code: 409, reason: "AlreadyExists", message: "\(resource.key) \"\(name)\" already exists",
            details: details(resource, name))
    }

    static func conflict(
        _ resource: Resource, _ name: String,
        _ why: String = "the object has been modified; please apply your changes to the latest version and try again"
    ) -> APIError {
        APIError(
            code: 409, reason: "Conflict",
            message: "Operation cannot be fulfilled on \(resource.key) \"\(name)\": \(why)",
            details: details(resource, name))
    }

    static func forbidden(_ resource: Resource, _ name: String, _ why: String) -> APIError {
        APIError(
            code: 403, reason: "Forbidden",
            message: name.isEmpty
                ? "\(resource.key) is forbidden: \(why)" : "\(resource.key) \"\(name)\" is forbidden: \(why)",
            details: details(resource, name))
    }

    static func badRequest(_ message: String) -> APIError {
        APIError(code: 400, reason: "BadRequest", message: message)
    }

    static func expired(_ message: String) -> APIError { APIError(code: 410, reason: "Expired", message: message) }

    static func internalError(_ message: String) -> APIError {
        APIError(
            code: 500, reason: "InternalError", message: "Internal error occurred: \(message)",
            details: .members(["causes": .array([.members(["message": .string(message)])])]))
    }

    static func methodNotAllowed() -> APIError {
        APIError(
            code: 405, reason: "MethodNotAllowed",
            message: "the server does not allow this method on the requested resource", details: .object([]))
    }

    static func unsupportedMediaType(_ type: String) -> APIError {
        APIError(
            code: 415, reason: "UnsupportedMediaType",
            message:
                "the body of the request was in an unknown format - accepted media types include: "
                + "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml, "
                + "application/strategic-merge-patch+json (it was \(type))")
    }

    /// What is wrong with one field of an object.
    struct Cause: Sendable {
        let reason: String
        let field: String
        let message: String

        static func required(_ field: String, _ detail: String = "") -> Cause {
            Cause(
                reason: "FieldValueRequired", field: field,
                message: detail.isEmpty ? "Required value" : "Required value: \(detail)")
        }

        static func invalid(_ field: String, _ value: JSONValue, _ detail: String) -> Cause {
            Cause(reason: "FieldValueInvalid", field: field, message: "Invalid value: \(value.compact): \(detail)")
        }

        static func unsupported(_ field: String, _ value: String, _ supported: [String]) -> Cause {
            let list = supported.map { "\"\($0)\"" }.joined(separator: ", ")
            return Cause(
                reason: "FieldValueNotSupported", field: field,
                message: "Unsupported value: \"\(value)\": supported values: \(list)")
        }

        static func forbidden(_ field: String, _ detail: String) -> Cause {
            Cause(reason: "FieldValueForbidden", field: field, message: "Forbidden: \(detail)")
        }
    }

    static func invalid(_ resource: Resource, _ name: String, _ causes: [Cause]) -> APIError {
        let texts = causes.map { "\($0.field): \($0.message)" }
        let joined = texts.count == 1 ? texts[0] : "[\(texts.joined(separator: ", "))]"
        let kind = resource.type.kind + (resource.type.group.isEmpty ? "" : ".\(resource.type.group)")
        return APIError(
            code: 422, reason: "Invalid", message: "\(kind) \"\(name)\" is invalid: \(joined)",
            details: .members([
                "name": .string(name),
                "group": resource.type.group.isEmpty ? nil : .string(resource.type.group),
                "kind": .string(resource.type.kind),
                "causes": .array(
                    causes.map {
                        .members([
                            "reason": .string($0.reason), "message": .string($0.message), "field": .string($0.field),
                        ])
                    }),
            ]))
    }
}
