//! What the errors of use cases are to a client.

use actix_web::http::header;
use convosync_application::list_conversations::ListError;
use convosync_application::pull_changes::PullError;
use convosync_application::read_conversations::ReadError;
use convosync_application::register_visitor::RegisterError;
use convosync_application::sync::deletion::DeleteError;
use convosync_application::sync::{MergeError, SyncError};
use convosync_application::take_turn::TurnError;
use convosync_application::visitors::VisitorError;
use convosync_domain::ports::StoreError;
use convosync_domain::tombstone::VisitorGone;

use super::{ApiError, ErrorCode, READS, whole_seconds};
use crate::json::{Grouped, Violation};

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { retry_after, .. } => {
                Self::caused_by(ErrorCode::StorageUnavailable, error)
                    .with_header(header::RETRY_AFTER, whole_seconds(retry_after).into())
            }
            StoreError::QuotaExceeded(limit) => Self::quota_exceeded(limit),
            StoreError::VisitorGone(VisitorGone::Erased) => ErrorCode::VisitorErased.into(),
            StoreError::VisitorGone(VisitorGone::Merged { .. }) => ErrorCode::VisitorMerged.into(),
            StoreError::Full { .. } => Self::caused_by(ErrorCode::StorageFull, error),
            StoreError::Conflict | StoreError::Corrupt { .. } | StoreError::Internal { .. } => {
                Self::caused_by(ErrorCode::Internal, error)
            }
        }
    }
}

impl From<SyncError<Violation>> for ApiError {
    fn from(error: SyncError<Violation>) -> Self {
        match error {
            SyncError::UnknownVisitor => ErrorCode::VisitorNotFound.into(),
            SyncError::Invalid(violations) => {
                Self::invalid(ErrorCode::InvalidConversations, violations)
            }
            SyncError::TurnExpired => ErrorCode::CursorExpired.into(),
            SyncError::TooMuchStored { most } => Self::too_much_stored(most),
            SyncError::NoMemory => Self::too_many_in_flight(READS),
            SyncError::QuotaExceeded(limit) => Self::quota_exceeded(limit),
            SyncError::Store(error) => error.into(),
        }
    }
}

impl From<TurnError<Violation>> for ApiError {
    fn from(error: TurnError<Violation>) -> Self {
        match error {
            TurnError::Sync(error) => error.into(),
            TurnError::Pull(error) => error.into(),
        }
    }
}

impl From<ListError> for ApiError {
    fn from(error: ListError) -> Self {
        match error {
            ListError::UnknownVisitor => ErrorCode::VisitorNotFound.into(),
            ListError::Store(error) => error.into(),
        }
    }
}

impl From<PullError> for ApiError {
    fn from(error: PullError) -> Self {
        match error {
            PullError::InvalidCursor => ErrorCode::InvalidCursor.into(),
            PullError::UnknownVisitor => ErrorCode::VisitorNotFound.into(),
            PullError::CursorExpired => ErrorCode::CursorExpired.into(),
            PullError::NoMemory => Self::too_many_in_flight(READS),
            PullError::Store(error) => error.into(),
        }
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::InvalidCursor => ErrorCode::InvalidCursor.into(),
            ReadError::UnknownVisitor => ErrorCode::VisitorNotFound.into(),
            ReadError::UnknownConversation => ErrorCode::ConversationNotFound.into(),
            ReadError::CursorExpired => ErrorCode::CursorExpired.into(),
            ReadError::NoMemory => Self::too_many_in_flight(READS),
            ReadError::Store(error) => error.into(),
        }
    }
}

impl From<DeleteError> for ApiError {
    fn from(error: DeleteError) -> Self {
        match error {
            DeleteError::UnknownVisitor => ErrorCode::VisitorNotFound.into(),
            DeleteError::UnknownConversation => ErrorCode::ConversationNotFound.into(),
            DeleteError::UnknownMessage => ErrorCode::MessageNotFound.into(),
            DeleteError::PreconditionFailed => ErrorCode::PreconditionFailed.into(),
            DeleteError::TooMuchStored { most } => Self::too_much_stored(most),
            DeleteError::NoMemory => Self::too_many_in_flight(READS),
            DeleteError::Store(error) => error.into(),
        }
    }
}

impl From<RegisterError> for ApiError {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::AnonId(error) => Self::caused_by(ErrorCode::Internal, error),
            RegisterError::Store(error) => error.into(),
        }
    }
}

impl From<VisitorError> for ApiError {
    fn from(error: VisitorError) -> Self {
        match error {
            VisitorError::UnknownVisitor => ErrorCode::VisitorNotFound.into(),
            VisitorError::NoMemory => Self::too_many_in_flight(READS),
            VisitorError::Store(error) => error.into(),
        }
    }
}

impl From<MergeError> for ApiError {
    fn from(error: MergeError) -> Self {
        match error {
            MergeError::WrongKind => ErrorCode::InvalidVisitor.into(),
            MergeError::UnknownVisitor => ErrorCode::VisitorNotFound.into(),
            MergeError::MergedElsewhere => ErrorCode::VisitorMergedElsewhere.into(),
            MergeError::TooMuchStored { most } => {
                let most = Grouped(u64::try_from(most).unwrap_or(u64::MAX));
                let text = format!(
                    "Merges more than {most} bytes of what is stored (limits.reads_in_flight_bytes); \
                     the command convosync visitor merge takes any number"
                );
                Self::with_text(ErrorCode::TooMuchStored, text).by_limit(READS)
            }
            MergeError::NoMemory => Self::too_many_in_flight(READS),
            MergeError::QuotaExceeded(limit) => Self::quota_exceeded(limit),
            MergeError::Store(error) => error.into(),
        }
    }
}
