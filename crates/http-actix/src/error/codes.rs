//! The one table of error codes.

use actix_web::http::StatusCode;

macro_rules! error_codes {
    ($( $variant:ident: $status:ident, $code:literal, $text:literal; )*) => {
        /// What went wrong, as clients may depend on it: a code never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum ErrorCode {
            $( $variant, )*
        }

        impl ErrorCode {
            /// Every code, in the order of the table.
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$( Self::$variant, )*];

            pub(crate) fn status(self) -> StatusCode {
                match self { $( Self::$variant => StatusCode::$status, )* }
            }

            pub(crate) fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $code, )* }
            }

            /// What is said where there is nothing more precise to say.
            pub(crate) fn text(self) -> &'static str {
                match self { $( Self::$variant => $text, )* }
            }
        }
    };
}

error_codes! {
    // variant: status, code, text
    BodyIncomplete: BAD_REQUEST, "body_incomplete", "Body ended too early";
    ConflictingIdentity: BAD_REQUEST, "conflicting_identity", "Give anon_id or user_id, not both";
    InvalidConversations: BAD_REQUEST, "invalid_conversations", "Invalid conversations format";
    InvalidCursor: BAD_REQUEST, "invalid_cursor", "Invalid cursor";
    InvalidId: BAD_REQUEST, "invalid_id", "Invalid id";
    InvalidIdentity: BAD_REQUEST, "invalid_identity", "Invalid identity";
    InvalidLimit: BAD_REQUEST, "invalid_limit", "limit must be 1 to 1000";
    InvalidOrder: BAD_REQUEST, "invalid_order", "order must be oldest or newest";
    InvalidVisitor: BAD_REQUEST, "invalid_visitor", "Invalid visitor format";
    InvalidWait: BAD_REQUEST, "invalid_wait", "wait must be 0 to 60";
    RepeatedParameter: BAD_REQUEST, "repeated_parameter", "Parameter given twice";
    InvalidApiKey: UNAUTHORIZED, "invalid_api_key", "API key is not accepted";
    InvalidToken: UNAUTHORIZED, "invalid_token", "Token is not accepted";
    ProofMissing: UNAUTHORIZED, "proof_missing", "Proof of identity is missing";
    MissingScope: FORBIDDEN, "missing_scope", "API key lacks the scope";
    OtherUser: FORBIDDEN, "other_user", "Token is for another user";
    ProxiedInOpenMode: FORBIDDEN, "proxied_in_open_mode",
        "Open mode takes no requests that come through a proxy";
    RegistrationForbidden: FORBIDDEN, "registration_forbidden",
        "Only the server or an API key makes this visitor";
    OriginNotAllowed: FORBIDDEN, "origin_not_allowed",
        "Pages of this origin may not ask here; server.cors_origins lists those that may";
    PreflightRefused: FORBIDDEN, "preflight_refused", "Not taken from pages of other origins";
    ConversationNotFound: NOT_FOUND, "conversation_not_found", "Conversation not found";
    MessageNotFound: NOT_FOUND, "message_not_found", "Message not found";
    NotFound: NOT_FOUND, "not_found", "Not found";
    VisitorNotFound: NOT_FOUND, "visitor_not_found", "Visitor not found";
    MethodNotAllowed: METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed";
    BodyTimeout: REQUEST_TIMEOUT, "body_timeout", "Body took too long to arrive";
    VisitorMergedElsewhere: CONFLICT, "visitor_merged_elsewhere",
        "Visitor was merged into another user";
    CursorExpired: GONE, "cursor_expired", "Cursor expired, start again";
    VisitorErased: GONE, "visitor_erased", "Visitor was erased";
    VisitorMerged: GONE, "visitor_merged", "Visitor was merged";
    PreconditionFailed: PRECONDITION_FAILED, "precondition_failed",
        "Conversation is not what If-Match says";
    BodyTooLarge: PAYLOAD_TOO_LARGE, "body_too_large", "Body too large";
    TooMuchStored: PAYLOAD_TOO_LARGE, "too_much_stored", "Changes too much of what is stored";
    TooManyItems: PAYLOAD_TOO_LARGE, "too_many_items", "Too many items in one request";
    UrlTooLong: URI_TOO_LONG, "url_too_long", "URL too long";
    RangeNotSatisfiable: RANGE_NOT_SATISFIABLE, "range_not_satisfiable",
        "File has no such range";
    HeadersTooLarge: REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large", "Headers too large";
    UnsupportedContentEncoding: UNSUPPORTED_MEDIA_TYPE, "unsupported_content_encoding",
        "Content-Encoding must be gzip or identity";
    UnsupportedContentType: UNSUPPORTED_MEDIA_TYPE, "unsupported_content_type",
        "Content-Type must be application/json";
    ForeignHost: MISDIRECTED_REQUEST, "foreign_host", "Host is not one of this server's";
    TooManyRequests: TOO_MANY_REQUESTS, "too_many_requests", "Too many requests";
    TooManyStreams: TOO_MANY_REQUESTS, "too_many_streams", "Too many wait for changes";
    Internal: INTERNAL_SERVER_ERROR, "internal_error", "Internal error";
    KeysUnavailable: SERVICE_UNAVAILABLE, "keys_unavailable",
        "Keys for tokens are not available";
    StorageUnavailable: SERVICE_UNAVAILABLE, "storage_unavailable", "Storage is unavailable";
    TooManyInFlight: SERVICE_UNAVAILABLE, "too_many_in_flight", "Too many requests in flight";
    Draining: SERVICE_UNAVAILABLE, "draining", "Server is stopping";
    QuotaExceeded: INSUFFICIENT_STORAGE, "quota_exceeded", "Visitor may not have more";
    StorageFull: INSUFFICIENT_STORAGE, "storage_full", "Storage is full";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_told_what_to_do_about_every_code() {
        let page = include_str!("../../../../docs/clients.md");
        for code in ErrorCode::ALL {
            let name = format!("`{}`", code.as_str());
            let is_told = page.lines().any(|line| {
                let mut cells = line.split('|').skip(1);
                let (statuses, codes) = (cells.next(), cells.next());
                statuses.is_some_and(|cell| cell.contains(code.status().as_str()))
                    && codes.is_some_and(|cell| cell.contains(&name))
            });
            assert!(is_told, "{} {name}", code.status());
        }
    }
}
