//! Prints the API's description, for `openapi/openapi.js`.

fn main() {
    print!("{}", handlers::openapi::module());
}
