/// Bootstrap rows sealed by Python's `cryptography`, of forms that the fixtures do not have.
enum IdentitySealedRows {
    /// Password `pass`: entries with timestamps, one unknown, one empty, one null.
    static let timestamps = Array(
        ("0011223344556677:NvLxJ0p6k0Q2DdTwL1uByJzGWk5VU3+2UyY5Yr5k+QxnkDj0WasVWRIMFGCAG1wkpswOmRz5DPbazrqHGbA"
            + "nqIsNEJoHz+EtYX68Rb8PKYZcn6O1iKq0jivzXZzT65nSRbVDTzIv85B9Uh9TPaZWjgYI15Gi78ZB2BaG8IakMgQ7hXz5aLuDUJ0"
            + "0Rm5fdLmaKkNG5f2SXQmV76qrdrKQ6skoL/mwpxZB7FV34ku9Vmr9TJyIzf9HuQB9aQIcURHHeqwX6jbVmWyPj+3XbIhZSvxxMb+"
            + "oh9mJx90UkbqsuhGPExXaXiSRFKwt/ZNjhTw=").utf8)
    /// No password, no files.
    static let nothing = Array(
        ("0011223344556677:1wsuenxETT/GH14lS57yJ5jabLcceK7aGTHRBv1L").utf8)
    /// The password is a whole token.
    static let wholeToken = Array(
        ("0011223344556677:hv9HbnX84m4mwAjCusWvE8Fnd9AlHrEm27jkeyGcn7UYVznJUH23p+CuCVCEhKNXaQ==").utf8)
    /// The password of the fixture with a token, around JSON that holds no files.
    static let noFiles = Array(
        ("0011223344556677:3WV6HRyLahv6q9XLy8N/sMGJ1SnJ3g9Tx9He6UzjWQ==").utf8)
}
