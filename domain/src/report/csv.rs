//! Lines of a file of comma-separated values (RFC 4180): every field in quotes, as Stripe writes them, so
//! that a quote inside is the one thing to be written otherwise.

/// Writes one line.
pub fn record<T: AsRef<str>>(fields: &[T], out: &mut Vec<u8>) {
    for (place, field) in fields.iter().enumerate() {
        out.extend(if place == 0 { b"\"".as_slice() } else { b",\"" });
        for byte in field.as_ref().bytes() {
            if byte == b'"' {
                out.push(byte);
            }
            out.push(byte);
        }
        out.push(b'"');
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_again(fields in proptest::collection::vec("(?s).{0,20}", 1..6)) {
            let mut out = Vec::new();
            record(&fields, &mut out);
            let mut reader =
                csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&*out);
            let rows: Vec<Vec<String>> =
                reader.records().map(|row| row.expect("CSV").iter().map(str::to_owned).collect()).collect();
            prop_assert_eq!(rows, [fields]);
        }
    }

    #[test]
    fn an_empty_field_is_in_quotes_too() {
        let mut out = Vec::new();
        record(&["a", "", "say \"hi\""], &mut out);
        assert_eq!(out, b"\"a\",\"\",\"say \"\"hi\"\"\"\n");
    }
}
