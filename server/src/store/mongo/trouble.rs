//! MongoDB's errors, named by what the caller does next.

use super::PATIENCE;
use engine::ports::StoreError;
use mongodb::error::{Error, ErrorKind, TRANSIENT_TRANSACTION_ERROR, WriteFailure};

/// A key that must be unique is taken.
const DUPLICATE: i32 = 11000;

/// The document does not fit the collection's `$jsonSchema`, or is too large.
const UNFIT: [i32; 2] = [121, 10334];

/// No login, or the wrong one.
const NO_LOGIN: [i32; 2] = [13, 18];

/// Asking changes nothing; after a write without an answer nobody knows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asking {
    Read,
    Write,
}

/// Waits for an answer, but not longer than [`PATIENCE`].
pub(super) async fn within<T>(
    asking: Asking,
    call: impl IntoFuture<Output = mongodb::error::Result<T>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(PATIENCE, call.into_future()).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(named(asking, &error)),
        Err(_) => Err(silent(asking)),
    }
}

pub(super) fn silent(asking: Asking) -> StoreError {
    let why = format!("no answer within {} s", PATIENCE.as_secs());
    if asking == Asking::Read { StoreError::Away(why) } else { StoreError::OutcomeUnknown(why) }
}

/// The driver's text holds the server's whole answer: only its code and kind are told.
pub(super) fn named(asking: Asking, error: &Error) -> StoreError {
    let code = code(error);
    match (&*error.kind, code) {
        (_, Some(DUPLICATE)) => StoreError::Conflict,
        (_, Some(code)) if UNFIT.contains(&code) => StoreError::Rejected(format!("error {code}")),
        (_, Some(code)) if NO_LOGIN.contains(&code) => {
            StoreError::Failed(format!("the shared database refuses this user ({code}): correct store.mongodb_uri"))
        }
        (ErrorKind::Authentication { .. }, _) => {
            StoreError::Failed("the shared database refuses this user: correct store.mongodb_uri".into())
        }
        (ErrorKind::ServerSelection { .. }, _) => StoreError::Away("no server answers".into()),
        (ErrorKind::ConnectionPoolCleared { .. } | ErrorKind::DnsResolve { .. }, _) => {
            StoreError::Away("the connection was lost".into())
        }
        (ErrorKind::Io(io), _) if asking == Asking::Read => StoreError::Away(io.to_string()),
        (ErrorKind::Io(io), _) => StoreError::OutcomeUnknown(io.to_string()),
        // Stepping down, shutting down, no majority: it may be there already, and will be back.
        (_, Some(91 | 189 | 10107 | 11600 | 11602 | 13435 | 13436)) if asking == Asking::Read => {
            StoreError::Away("the server is stepping down".into())
        }
        (_, Some(64 | 91 | 100 | 189 | 10107 | 11600 | 11602 | 13435 | 13436)) => {
            StoreError::OutcomeUnknown("the server is stepping down".into())
        }
        (_, Some(code)) => StoreError::Failed(format!("the shared database answered with error {code}")),
        (_, None) => StoreError::Failed(format!("the shared database failed: {}", kind_word(error))),
    }
}

/// May the transaction be tried again from its beginning?
pub(super) fn is_transient(error: &Error) -> bool {
    error.contains_label(TRANSIENT_TRANSACTION_ERROR)
}

fn code(error: &Error) -> Option<i32> {
    match &*error.kind {
        ErrorKind::Command(command) => Some(command.code),
        ErrorKind::Write(WriteFailure::WriteError(write)) => Some(write.code),
        ErrorKind::Write(WriteFailure::WriteConcernError(concern)) => Some(concern.code),
        // A duplicate is told where nothing worse happened beside it.
        ErrorKind::InsertMany(many) => {
            let each = many.write_errors.iter().flatten().map(|error| error.code);
            let codes: Vec<i32> = many.write_concern_error.iter().map(|error| error.code).chain(each).collect();
            codes.iter().find(|code| **code != DUPLICATE).or(codes.first()).copied()
        }
        _ => None,
    }
}

fn kind_word(error: &Error) -> String {
    let text = format!("{:?}", error.kind);
    text.chars().take_while(char::is_ascii_alphanumeric).collect()
}
