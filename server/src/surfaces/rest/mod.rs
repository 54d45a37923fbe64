//! `/api/v1`: bearer keys, never the session cookie. The contract is written by the code itself and
//! served as OpenAPI 3.1.

mod alerts;
mod bearer;
mod bodies;
mod calls;
mod events;
mod idempotency;
mod incidents;
mod keys;
mod lockdown;
mod metrics;
mod plan;
mod problem;
mod sites;
mod webhooks;

pub use idempotency::Running;
pub use sites::Brief;

use crate::http::AppState;
use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::{Config, SwaggerUi};

#[derive(OpenApi)]
#[openapi(
    info(title = "PSTN Lockdown", description = "Routes every call from and to the public telephone network through the Emergency Operations Centre, and says truthfully whether it is so.", license(name = "MIT OR Apache-2.0")),
    modifiers(&Bearer),
    tags((name = "state"), (name = "orders"), (name = "plan"), (name = "timeline"), (name = "calls"), (name = "incidents"), (name = "alerts"), (name = "keys"), (name = "webhooks"))
)]
struct Contract;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, contract: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        contract.components.get_or_insert_default().add_security_scheme("key", SecurityScheme::Http(scheme));
    }
}

pub(crate) fn router() -> Router<AppState> {
    let (router, contract) = documented().split_for_parts();
    let reader = SwaggerUi::new("/api/docs")
        .url("/api/v1/openapi.json", contract)
        .config(Config::default().validator_url("none").try_it_out_enabled(false));
    let policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                  connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";
    let reader: Router<AppState> = reader.into();
    router
        .route("/api/v1/", axum::routing::any(problem::not_found))
        .route("/api/v1/{*rest}", axum::routing::any(problem::not_found))
        .merge(reader.layer(SetResponseHeaderLayer::if_not_present(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(policy),
        )))
}

/// Whether the answer is for a program.
pub(crate) fn is_of(path: &str) -> bool {
    path.starts_with("/api/v1/")
}

/// Such an answer: every refusal a problem, and nothing kept on the way.
pub(crate) fn finished(response: Response) -> Response {
    let mut response = problem::as_problem(response);
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// What the contract names, besides the contract itself.
pub(crate) fn routes() -> Vec<String> {
    let contract = documented().split_for_parts().1;
    let calls = contract.paths.paths.into_iter().flat_map(|(path, item)| {
        let has = [
            ("GET", item.get.is_some()),
            ("PUT", item.put.is_some()),
            ("POST", item.post.is_some()),
            ("PATCH", item.patch.is_some()),
            ("DELETE", item.delete.is_some()),
        ];
        has.into_iter()
            .filter(|(_, there)| *there)
            .map(move |(method, _)| format!("{method} {path}"))
            .collect::<Vec<_>>()
    });
    calls.chain(["GET /api/docs".to_owned(), "GET /api/v1/openapi.json".to_owned()]).collect()
}

fn documented() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Contract::openapi())
        .routes(routes!(sites::status))
        .routes(routes!(sites::site))
        .routes(routes!(lockdown::order))
        .routes(routes!(plan::plan))
        .routes(routes!(plan::check))
        .routes(routes!(plan::trace))
        .routes(routes!(events::events))
        .routes(routes!(events::stream))
        .routes(routes!(calls::list, calls::file))
        .routes(routes!(calls::one, calls::act))
        .routes(routes!(metrics::metrics))
        .routes(routes!(alerts::feed))
        .routes(routes!(alerts::one))
        .routes(routes!(incidents::list))
        .routes(routes!(incidents::one))
        .routes(routes!(incidents::json))
        .routes(routes!(incidents::csv))
        .routes(routes!(incidents::ics_214))
        .routes(routes!(incidents::ics_309))
        .routes(routes!(keys::revoke_itself))
        .routes(routes!(webhooks::list, webhooks::add))
        .routes(routes!(webhooks::one, webhooks::remove))
        .routes(routes!(webhooks::test))
        .routes(routes!(webhooks::rotate))
        .routes(routes!(webhooks::enable))
        .routes(routes!(webhooks::replay))
}
