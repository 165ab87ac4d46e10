//! What a name says of its value: a secret's place, or not.
//!
//! In: the name of a variable, a key or an argument. Out: how secret its value is. The last words
//! count: `API_TOKEN` is a token, `API_TOKEN_URL` an address, `tokenizer` neither, and `key` alone
//! may be anything.

/// How secret what a name names is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// A password: what people choose counts too.
    Password,
    /// A token, a secret, an `api_key`.
    Secret,
    /// A key of some sort: only what is random counts.
    Key,
}

const PASSWORDS: &[&str] = &[
    "password",
    "passwd",
    "pass",
    "pwd",
    "passphrase",
    "passcode",
    "pswd",
    "pw",
];
const SECRETS: &[&str] = &[
    "secret",
    "token",
    "credential",
    "cred",
    "auth",
    "salt",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "signingkey",
    "encryptionkey",
    "masterkey",
    "authkey",
    "psk",
    "pat",
    "jwt",
    "bearer",
    "hmac",
    "mnemonic",
    "pepper",
];
/// Words at the end of one word: `clientsecret`, `dbpassword`.
const ENDS: [&str; 6] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
];
/// What stands before `key` where it is a secret.
const SECRET_KEYS: &[&str] = &[
    "api",
    "secret",
    "private",
    "access",
    "signing",
    "encryption",
    "decryption",
    "master",
    "auth",
    "session",
    "shared",
    "account",
    "jwt",
    "cookie",
    "storage",
    "webhook",
    "client",
    "admin",
    "application",
    "app",
    "cipher",
    "aes",
    "hmac",
    "deploy",
    "license",
    "wireguard",
    "preshared",
    "service",
    "role",
    "integration",
    "crypto",
    "ingest",
    "write",
];
/// What stands before `key` where it is none, and nobody's secret.
const OPEN_KEYS: &[&str] = &[
    "recv",
    "receive",
    "gpg",
    "pgp",
    "apt",
    "trusted",
    "fingerprint",
    "import",
    "get",
    "set",
    "find",
    "has",
    "sec",
    "node",
    "primary",
    "sort",
    "partition",
    "cache",
    "s3",
    "idempotency",
    "kms",
    "foreign",
    "routing",
    "object",
    "lookup",
    "hash",
    "range",
    "shard",
    "redis",
    "state",
    "group",
    "map",
    "dedup",
    "public",
    "publishable",
    "pub",
    "host",
    "feature",
    "config",
    "index",
    "unique",
    "message",
    "row",
    "order",
    "metric",
    "event",
    "label",
    "annotation",
    "topology",
    "translation",
    "property",
    "registry",
    "backend",
    "bucket",
    "file",
    "image",
    "name",
    "restore",
    "save",
    "cmk",
    "site",
    "known",
    "any",
    "json",
    "yaml",
    "env",
    "data",
    "field",
    "column",
];
/// Words that say of which or in what form, not what.
const QUALIFIERS: &[&str] = &[
    "default",
    "value",
    "base64",
    "b64",
    "hex",
    "plain",
    "raw",
    "live",
    "prod",
    "production",
    "test",
    "testing",
    "staging",
    "dev",
    "development",
    "old",
    "new",
    "current",
    "previous",
    "base",
    "v1",
    "v2",
    "primary",
    "secondary",
    "main",
    "str",
    "string",
    "text",
];

impl Named {
    /// What a name says; nothing where it is the name of a path, a package or a module.
    pub(crate) fn of(name: &str) -> Option<Self> {
        if name.contains(['/', '@', ':', ' ']) || name.len() > 100 {
            return None;
        }
        let words = words(name);
        let mut rest = words.as_slice();
        while let [before @ .., last] = rest
            && !before.is_empty()
            && (QUALIFIERS.contains(&last.as_str()) || last.bytes().all(|b| b.is_ascii_digit()))
        {
            rest = before;
        }
        let [before @ .., last] = rest else {
            return None;
        };
        let last = match last.strip_suffix('s') {
            Some(one) if !PASSWORDS.contains(&last.as_str()) => one,
            Some(_) | None => last,
        };
        if PASSWORDS.contains(&last) {
            return Some(Self::Password);
        }
        let open = |word: &String| matches!(word.as_str(), "public" | "publishable" | "pub");
        if SECRETS.contains(&last) {
            let is_open = last.ends_with("key") && words.iter().any(open);
            return (!is_open).then_some(Self::Secret);
        }
        if last == "key" {
            let kind = before.last()?;
            return if OPEN_KEYS.contains(&kind.as_str()) || words.iter().any(open) {
                None
            } else if SECRET_KEYS.contains(&kind.as_str()) {
                Some(Self::Secret)
            } else {
                Some(Self::Key)
            };
        }
        // the secret of an AppRole, beside its `role_id`; other identifiers are none
        if last == "id" && before.last().is_some_and(|word| word == "secret") {
            let of_vault = |word: &String| matches!(word.as_str(), "vault" | "approle" | "role");
            return words.iter().any(of_vault).then_some(Self::Secret);
        }
        // the secret of an AppRole, beside its `role_id`; other identifiers are none
        if last == "id" && before.last().is_some_and(|word| word == "secret") {
            let of_vault = |word: &String| matches!(word.as_str(), "vault" | "approle" | "role");
            return words.iter().any(of_vault).then_some(Self::Secret);
        }
        ENDS.iter().find(|end| last.ends_with(**end)).map(|end| {
            if end.starts_with("pass") {
                Self::Password
            } else {
                Self::Secret
            }
        })
    }
}

/// The words of a name in small letters: `apiToken`, `API_TOKEN`, `api-token`.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut letters = name.chars().peekable();
    let mut last = ' ';
    while let Some(c) = letters.next() {
        let next_is_small = letters.peek().is_some_and(char::is_ascii_lowercase);
        let begins = c.is_ascii_uppercase()
            && (last.is_ascii_lowercase()
                || last.is_ascii_digit()
                || (last.is_ascii_uppercase() && next_is_small));
        if (begins || !c.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        last = c;
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Whether a key or a variable is called like something secret. `key` alone is not.
pub(crate) fn is_secret_name(name: &str) -> bool {
    Named::of(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_of_a_name_say_what_it_is() {
        for name in [
            "API_TOKEN",
            "apiToken",
            "tokens",
            "DB_PASS",
            "DB_PWD",
            "PASS",
            "CREDENTIALS",
            "BASIC_AUTH",
            "SSH_PASSPHRASE",
            "APIKEY",
            "API_KEY",
            "ACCESSKEY",
            "SIGNING_SALT",
            "PUBLIC_API_SECRET",
            "clientsecret",
            "SECRET_KEY_BASE",
            "API_TOKEN_PROD",
            "STRIPE_KEY",
            "spring.datasource.password",
            "MYSQL_ROOT_PASSWORD",
            "x-api-key",
            "_authToken",
            "AWS_SECRET_ACCESS_KEY",
            "jwt_secret_2",
            "VAULT_SECRET_ID",
            "VAULT_SECRET_ID",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "key",
            "TOKEN_URL",
            "TOKEN_ISSUER",
            "PASSWORD_POLICY",
            "SECRET_NAME",
            "TOKEN_PATH",
            "SECRET_ARN",
            "PASSWORD_RESET_URL",
            "PRIMARY_KEY",
            "SORT_KEY",
            "PARTITION_KEY",
            "CACHE_KEY",
            "TOKEN_TTL",
            "S3_KEY",
            "TOKEN_AUDIENCE",
            "SECRET_KEY_FILE",
            "IDEMPOTENCY_KEY",
            "KMS_KEY",
            "TOKENIZER",
            "public_key",
            "ACCESS_KEY_ID",
            "monkey",
            "compass",
            "secretName",
            "tokens_per_minute",
            "bearerTokenFile",
            "actions/create-github-app-token",
            "NEXT_PUBLIC_API_KEY",
            "secretKeyRef",
            "secret_id",
            "recv-keys",
            "GPG_KEY",
            "secret_id",
            "bypass",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}
