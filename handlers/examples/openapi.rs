//! Prints the API's description, for `handlers/openapi.json`.

fn main() {
    print!("{}", handlers::openapi::text());
}
