using SmartHost.Mail;

namespace SmartHost.Practice;

/// <summary>Who may log in, and what each has sent in the last 24 hours: a rolling day, as Gmail counts, not a calendar's.</summary>
internal sealed class PracticeAccounts(PracticeSettings settings, TimeProvider time)
{
    private static readonly TimeSpan Day = TimeSpan.FromHours(24);

    private readonly Lock guard = new();
    private readonly Dictionary<Mailbox, PracticeAccount> accounts = settings.Accounts.ToDictionary(account => account.Username);
    private readonly Dictionary<Mailbox, Queue<(DateTimeOffset At, int Recipients)>> spent = [];

    public PracticeAccount? ByPassword(string username, string password)
    {
        lock (guard)
        {
            return Find(username) is { } account && account.AppPassword.Reveal() == password ? account : null;
        }
    }

    public PracticeAccount? ByToken(string username, string token)
    {
        lock (guard)
        {
            return Find(username) is { } account && settings.AcceptsToken?.Invoke(account.Username, token) == true ? account : null;
        }
    }

    /// <summary>Adds an account, or changes what it may.</summary>
    public void Set(PracticeAccount account)
    {
        lock (guard) accounts[account.Username] = account;
    }

    /// <summary>False where one more message to so many would pass the account's allowance as it stands now.</summary>
    public bool MaySend(PracticeAccount? account, int recipients)
    {
        if (account is null) return true;
        lock (guard)
        {
            var now = accounts.GetValueOrDefault(account.Username, account);
            var sent = Spent(account.Username);
            return sent.Count + 1 <= (now.DailyMessages ?? int.MaxValue)
                && sent.Sum(one => one.Recipients) + recipients <= (now.DailyRecipients ?? int.MaxValue);
        }
    }

    public void Spend(PracticeAccount? account, int recipients)
    {
        if (account is null) return;
        lock (guard) Spent(account.Username).Enqueue((time.GetUtcNow(), recipients));
    }

    private PracticeAccount? Find(string username) =>
        Mailbox.TryParse(username, out var mailbox) ? accounts.GetValueOrDefault(mailbox) : null;

    private Queue<(DateTimeOffset At, int Recipients)> Spent(Mailbox username)
    {
        if (!spent.TryGetValue(username, out var sent)) spent[username] = sent = [];
        while (sent.TryPeek(out var oldest) && oldest.At <= time.GetUtcNow() - Day) sent.Dequeue();
        return sent;
    }
}
