//! JSON text on lines of its own for each field, as serde_json's own `to_string_pretty` has it. Writing each resource
//! in that way, too, would make the Worker larger by all that writes them.

/// The same JSON, indented by two spaces for each level. What is given has no spaces between its parts.
pub fn indent(json: &str) -> String {
    let mut text = String::with_capacity(json.len().saturating_mul(2));
    let mut depth = 0_usize;
    let mut before = ':';
    let mut rest = json;
    while let Some(letter) = rest.chars().next() {
        if matches!(letter, '}' | ']') {
            depth = depth.saturating_sub(1);
        }
        // An empty list or object stays on its line.
        let (opened, closes) = (matches!(before, '{' | '['), matches!(letter, '}' | ']'));
        if opened != closes || before == ',' {
            new_line(&mut text, depth);
        }
        let length = if letter == '"' { text_length(rest) } else { letter.len_utf8() };
        let (token, left) = rest.split_at_checked(length).unwrap_or((rest, ""));
        text.push_str(token);
        match letter {
            '{' | '[' => depth = depth.saturating_add(1),
            ':' => text.push(' '),
            _ => {}
        }
        (before, rest) = (letter, left);
    }
    text
}

/// How many bytes a text takes that begins here, its quotes included.
fn text_length(rest: &str) -> usize {
    let mut is_escaped = false;
    let inside = rest.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    });
    inside.map_or(rest.len(), |inside| inside.saturating_add(2))
}

fn new_line(text: &mut String, depth: usize) {
    text.push('\n');
    for _ in 0..depth {
        text.push_str("  ");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    use super::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[\"\\\\{}\\[\\],: ]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..5)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_is_what_serde_json_makes_of_it(value in values()) {
            let pretty = serde_json::to_string_pretty(&value).expect("a text");
            prop_assert_eq!(indent(&value.to_string()), pretty);
        }
    }
}
