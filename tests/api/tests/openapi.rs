//! The API's own description is there for everyone.

use api::Api;
use http::Request;

#[test]
fn the_description_needs_no_key() {
    let api = Api::new();
    let request = Request::builder()
        .uri("https://florin.test/openapi.json")
        .body(Vec::new())
        .expect("a request");
    let answer = kit::run(api.answer(&request)).ok();
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.body, handlers::openapi::description());
}
