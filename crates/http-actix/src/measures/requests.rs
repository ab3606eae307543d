//! Requests by route, method and status, and how long they take.

use std::collections::HashMap;
use std::sync::{OnceLock, PoisonError, RwLock};
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpMessage as _, HttpRequest};
use metrics::{Counter, Histogram, counter, histogram};

/// What stands for every path that is no route.
const NO_ROUTE: &str = "none";

/// What stands for every path that leads to a file beside the API.
const STATIC_FILES: &str = "static";

/// The methods of RFC 9110, and what stands for any other: anybody may make up a method.
const METHODS: [&str; 10] = [
    "GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH", "TRACE", "CONNECT", "OTHER",
];

/// The mark of a request that has waited for a change: how long that took tells nothing of the server.
#[derive(Clone, Copy)]
pub(crate) struct Waited;

/// The mark of a request that is answered by a file beside the API, whose path is in no label and no line.
#[derive(Clone, Copy)]
pub(crate) struct AnsweredByFile;

/// What a request is counted as: the pattern of its route, or what stands for all files.
pub(crate) fn route_of(request: &HttpRequest) -> Option<String> {
    match request.extensions().contains::<AnsweredByFile>() {
        true => Some(STATIC_FILES.to_owned()),
        false => request.match_pattern(),
    }
}

/// Requests by route, method and status.
pub(crate) struct Requests {
    /// The first one is none, the second files.
    routes: Vec<Route>,
    by_pattern: HashMap<String, usize>,
}

struct Route {
    name: String,
    methods: [Answers; METHODS.len()],
}

/// The answers to one method of one route.
#[derive(Default)]
struct Answers {
    /// A few statuses.
    by_status: RwLock<Vec<(StatusCode, Counter)>>,
    seconds: OnceLock<Histogram>,
}

impl Requests {
    /// Of requests for these routes, each with and without a slash at its end.
    pub(super) fn of(routes: impl IntoIterator<Item = &'static str>) -> Self {
        let mut by_pattern = HashMap::new();
        by_pattern.insert(STATIC_FILES.to_owned(), 1);
        let mut all = vec![Route::named(NO_ROUTE), Route::named(STATIC_FILES)];
        for route in routes {
            for pattern in [route.to_owned(), format!("{route}/")] {
                by_pattern.insert(pattern, all.len());
            }
            all.push(Route::named(match route {
                "" => "/",
                route => route,
            }));
        }
        Self {
            routes: all,
            by_pattern,
        }
    }

    /// Counts a request that has got its answer. `pattern` is that of its route, if it has one; `elapsed` is how long
    /// the answer took, if that is to be told.
    pub(crate) fn count(
        &self,
        pattern: Option<&str>,
        method: &Method,
        status: StatusCode,
        elapsed: Option<Duration>,
    ) {
        let route = pattern.and_then(|pattern| self.by_pattern.get(pattern));
        let Some(route) = self.routes.get(route.copied().unwrap_or(0)) else {
            return;
        };
        let method = name_of(method);
        let mut methods = METHODS.iter().zip(&route.methods);
        let Some((_, answers)) = methods.find(|(name, _)| **name == method) else {
            return;
        };
        answers.counter(route, method, status).increment(1);
        // Nobody waits for what is not there.
        let is_served = route.name != NO_ROUTE && status != StatusCode::METHOD_NOT_ALLOWED;
        if let Some(elapsed) = elapsed.filter(|_| is_served) {
            answers.seconds(route, method).record(elapsed);
        }
    }
}

impl Route {
    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            methods: Default::default(),
        }
    }
}

impl Answers {
    fn counter(&self, route: &Route, method: &'static str, status: StatusCode) -> Counter {
        let known = self.by_status.read();
        let known = known.unwrap_or_else(PoisonError::into_inner);
        if let Some((_, counter)) = known.iter().find(|(known, _)| *known == status) {
            return counter.clone();
        }
        drop(known);
        let counter = counter!(
            "convosync_http_requests_total",
            "route" => route.name.clone(),
            "method" => method,
            "status" => status.as_str().to_owned()
        );
        let known = self.by_status.write();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        known.push((status, counter.clone()));
        counter
    }

    fn seconds(&self, route: &Route, method: &'static str) -> &Histogram {
        self.seconds.get_or_init(|| {
            histogram!(
                "convosync_http_request_duration_seconds",
                "route" => route.name.clone(),
                "method" => method
            )
        })
    }
}

/// A method of RFC 9110, or what stands for any other.
pub(crate) fn name_of(method: &Method) -> &'static str {
    let known = METHODS.into_iter().find(|name| *name == method.as_str());
    known.unwrap_or("OTHER")
}
