//! Messages as a list of steps, so that a change to one keeps all enclosing lengths right.
//!
//! ```text
//! step   [0x01][tag, 3 bytes]                      begins a structure
//!        [0x00]                                    ends it
//!        [type][tag, 3 bytes][length, 1 byte] value   an item; longer values are cut
//! ```

/// The message of some steps; structures that are left open end at its end.
pub(crate) fn assemble(mut steps: &[u8]) -> Vec<u8> {
    let (mut message, mut open) = (Vec::new(), Vec::new());
    while let Some((kind, rest)) = steps.split_first() {
        steps = rest;
        if *kind == 0 {
            end(&mut message, &mut open);
            continue;
        }
        let Some((tag, rest)) = steps.split_first_chunk::<3>() else { break };
        steps = rest;
        message.extend(tag);
        message.push(*kind);
        message.extend([0; 4]);
        if *kind == STRUCTURE {
            open.push(message.len());
            continue;
        }
        let Some((length, rest)) = steps.split_first() else { break };
        let (value, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        steps = rest;
        let start = message.len();
        message.extend(value);
        put_length(&mut message, start);
        message.resize(message.len().next_multiple_of(8), 0);
    }
    while !open.is_empty() {
        end(&mut message, &mut open);
    }
    message
}

fn end(message: &mut [u8], open: &mut Vec<usize>) {
    if let Some(start) = open.pop() {
        put_length(message, start);
    }
}

fn put_length(message: &mut [u8], start: usize) {
    let length = u32::try_from(message.len() - start).unwrap_or_default();
    message[start - 4..start].copy_from_slice(&length.to_be_bytes());
}

/// The steps of a message.
pub(crate) fn take_apart(message: &[u8]) -> Vec<u8> {
    let (mut steps, mut rest) = (Vec::new(), message);
    while let Some((head, after)) = rest.split_first_chunk::<8>() {
        let [tag @ .., kind, _, _, high, low] = *head;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let value = &after[..length];
        rest = &after[length.next_multiple_of(8)..];
        steps.push(kind);
        steps.extend::<[u8; 3]>(tag);
        if kind == STRUCTURE {
            steps.extend(take_apart(value));
            steps.push(0);
        } else {
            let short = u8::try_from(length).unwrap_or(u8::MAX);
            steps.push(short);
            steps.extend(&value[..usize::from(short)]);
        }
    }
    steps
}

const STRUCTURE: u8 = 1;

/// Bytes of a constant of hexadecimal digits.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    let pairs = digits.as_chunks::<2>().0.iter();
    pairs.filter_map(|[high, low]| u8::try_from(high << 4 | low).ok()).collect()
}
