using System.Security.Cryptography;
using SmartHost.Devices;

namespace SmartHost.Tests.Devices;

public class PasswordHashTests
{
    private const int Few = 10_000;

    [TestCase("secret")]
    [TestCase("")]
    [TestCase("pass$word with ümlaut 漢")]
    public void Verifies_the_password_it_was_made_from_and_no_other(string password)
    {
        using var random = RandomNumberGenerator.Create();
        var stored = PasswordHash.Create(password, random, Few);
        Assert.That(PasswordHash.IsWellFormed(stored), Is.True);
        Assert.That(PasswordHash.Verify(stored, password), Is.True);
        Assert.That(PasswordHash.Verify(stored, password + "x"), Is.False);
        Assert.That(PasswordHash.Create(password, random, Few), Is.Not.EqualTo(stored), "each hash has a salt of its own");
    }

    [Test]
    public void Is_the_PBKDF2_of_the_standard()
    {
        // Test vector of RFC 7914 §11 (PBKDF2-HMAC-SHA-256, P="Password", S="NaCl", c=80000) has a shorter salt, so a
        // vector of our own, made with: openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt pass:Password
        // -kdfopt salt:0123456789abcdef -kdfopt iter:80000 -binary PBKDF2 | base64
        Assert.That(PasswordHash.Verify("pbkdf2-sha256$80000$MDEyMzQ1Njc4OWFiY2RlZg==$31B9Accg8dLeg9jrPeAj0Aw5iKcR4Au8MbgZvknk0CQ=", "Password"), Is.True);
    }

    [Test]
    public void The_default_is_slow_enough()
    {
        using var random = RandomNumberGenerator.Create();
        var stored = PasswordHash.Create("secret", random);
        Assert.That(stored, Does.StartWith("pbkdf2-sha256$210000$"));
        Assert.That(PasswordHash.Verify(stored, "secret"), Is.True);
    }

    [TestCase("")]
    [TestCase("secret")]
    [TestCase("pbkdf2-sha256$210000$c2FsdA==$aGFzaA==", Description = "salt and hash too short")]
    [TestCase("pbkdf2-sha256$9999$MDEyMzQ1Njc4OWFiY2RlZg==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", Description = "too few iterations")]
    [TestCase("pbkdf2-sha256$2000000000$MDEyMzQ1Njc4OWFiY2RlZg==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", Description = "a day of work")]
    [TestCase("pbkdf2-sha256$-20000$MDEyMzQ1Njc4OWFiY2RlZg==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [TestCase("pbkdf2-sha1$210000$MDEyMzQ1Njc4OWFiY2RlZg==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [TestCase("$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", Description = "bcrypt")]
    public void What_is_not_a_hash_of_ours_verifies_nothing(string stored)
    {
        Assert.That(PasswordHash.IsWellFormed(stored), Is.False);
        Assert.That(PasswordHash.Verify(stored, "secret"), Is.False);
        Assert.That(PasswordHash.Verify(stored, stored), Is.False);
    }
}
