//! How the endpoints of visitors are described.

use actix_web::http::StatusCode;
use convosync_domain::api_key::Scope;
use serde_json::json;
use utoipa::openapi::ObjectBuilder;

use crate::endpoints::sync::{counted, counts};
use crate::error::ErrorCode;
use crate::openapi::content::{Answer, Body};
use crate::openapi::headers;
use crate::openapi::operation::{Operation, Topic};
use crate::openapi::parameters::{ANON_ID, USER_ID, identity};
use crate::openapi::schema::{Has as _, NamedSchema, any_of, count, moment, null, object};

/// An `anon_id` of the form that the server makes.
const ANON_ID_EXAMPLE: &str = "n5Zc0QxHW1m0oYyJ8z7u2r3s4t5v6w7x8y9zABCDEFG";

const REGISTRATION: &str = "\
`{}` makes an anonymous visitor and tells its `anon_id`, 43 characters that nobody can guess; it is told once. \
`{\"anon_id\"}` and `{\"user_id\"}` register the visitor of that name; give one. In protected mode the first is for \
everybody, the second for API keys alone, the third for the user or an API key.";

const EXPORT: &str = "\
Everything that the visitor has, line by line; each line is a body that `POST /api/sync-conversations/` takes, and \
all of them posted to a visitor who has nothing give the same. What changes during the export is in it as it was \
before or after. An export that is not whole breaks off without the end that HTTP gives it.";

const MERGE: &str = "\
Makes everything of an anonymous visitor the user's, as if the user had posted it; afterwards the `anon_id` is gone \
and gets 410. The same merge again changes nothing and answers zeros. Show people what they are about to merge. \
With an API key the user need not prove anything; the `anon_id` is proof of itself.";

const ERASURE: &str = "\
Erases everything of the visitor at once, and for good: every later request of the visitor gets 410 `visitor_erased`.";

pub(crate) fn describe_post() -> Operation {
    let request = NamedSchema::new("Registration", names("Whom to register."));
    let body = Body::json(request, "Whom to register: `{}`, or one of its fields.")
        .example("anonymous", json!({}))
        .example("user", json!({"user_id": "ada"}));
    let visitor = || NamedSchema::new("Visitor", names("A visitor, by the one name that it has."));
    let created = Answer::json(StatusCode::CREATED, "The visitor is new.", visitor())
        .example("anonymous", json!({"anon_id": ANON_ID_EXAMPLE}))
        .example("user", json!({"user_id": "ada"}));
    let known = Answer::json(
        StatusCode::OK,
        "The visitor was registered before.",
        visitor(),
    )
    .example("user", json!({"user_id": "ada"}));
    Operation::new("registerVisitor", Topic::Visitors, "Register a visitor")
        .description(REGISTRATION)
        .of_new_visitor(Scope::VisitorsCreate)
        .body(body)
        .answer(created)
        .answer(known)
        .errors([ErrorCode::InvalidVisitor])
}

pub(crate) fn describe_get() -> Operation {
    let last_changed = any_of(
        "When something last changed; null while nothing has, or where it is not known.",
        [moment("A moment.").into(), null()],
    );
    let schema = object("How much a visitor has, and since when.")
        .property(
            USER_ID,
            identity().description(Some("The name of a user; an `anon_id` is not told.")),
        )
        .has("conversations", count("Living conversations."))
        .has("messages", count("Living messages."))
        .has(
            "content_bytes",
            count("About how many bytes their content has."),
        )
        .has(
            "change_counter",
            count("How many posts and deletions have changed something."),
        )
        .has("registered_at", moment("When the visitor was registered."))
        .has("last_changed_at", last_changed);
    let example = json!({
        "user_id": "ada",
        "conversations": 1,
        "messages": 1,
        "content_bytes": 412,
        "change_counter": 2,
        "registered_at": "2025-07-27T12:34:00Z",
        "last_changed_at": "2025-07-27T12:36:01Z",
    });
    let answer = Answer::json(
        StatusCode::OK,
        "The visitor.",
        NamedSchema::new("VisitorSummary", schema),
    );
    Operation::new(
        "getVisitor",
        Topic::Visitors,
        "How much a visitor has, and since when",
    )
    .of_visitor(Scope::SyncAny)
    .answer(answer.example("visitor", example))
}

pub(crate) fn describe_export() -> Operation {
    let answer = Answer::new(StatusCode::OK, "Lines of JSON, each a `Post`.");
    Operation::new(
        "exportVisitor",
        Topic::Visitors,
        "Export everything that a visitor has",
    )
    .description(EXPORT)
    .of_visitor(Scope::VisitorsExport)
    .answer(
        answer
            .of_type("application/x-ndjson", None)
            .header(headers::CONTENT_DISPOSITION),
    )
}

pub(crate) fn describe_merge() -> Operation {
    let request = object("Whom to merge.").has(
        ANON_ID,
        identity().description(Some("The name of the anonymous visitor.")),
    );
    let body = Body::json(NamedSchema::new("Merge", request), "The anonymous visitor.")
        .example("anonymous", json!({"anon_id": ANON_ID_EXAMPLE}));
    let schema = counted("What of the anonymous visitor's came to the user.");
    let answer = Answer::json(
        StatusCode::OK,
        "They are one.",
        NamedSchema::new("Merged", schema),
    );
    Operation::new(
        "mergeVisitor",
        Topic::Visitors,
        "Merge an anonymous visitor into a user",
    )
    .description(MERGE)
    .of_user(Scope::VisitorsMerge)
    .body(body)
    .answer(answer.example("nothing", counts(0, 0, 0, 0)))
    .errors([
        ErrorCode::InvalidVisitor,
        ErrorCode::QuotaExceeded,
        ErrorCode::StorageFull,
        ErrorCode::TooMuchStored,
        ErrorCode::VisitorMergedElsewhere,
    ])
}

pub(crate) fn describe_delete() -> Operation {
    Operation::new(
        "eraseVisitor",
        Topic::Visitors,
        "Erase a visitor with everything of theirs",
    )
    .description(ERASURE)
    .of_visitor(Scope::VisitorsErase)
    .answer(Answer::new(StatusCode::NO_CONTENT, "Everything is erased."))
    .errors([ErrorCode::StorageFull])
}

fn names(description: &str) -> ObjectBuilder {
    object(description)
        .property(
            ANON_ID,
            identity().description(Some("The name of an anonymous visitor.")),
        )
        .property(USER_ID, identity().description(Some("The name of a user.")))
}
