using System.Text.Json;
using System.Text.Json.Serialization;
using SmartHost.Dashboard;
using SmartHost.Dashboard.Api;

namespace SmartHost.Cli;

// What the command line says in JSON beyond the API's own records. Nothing here may hold one of those: what makes it JSON would be
// in the binary twice.

/// <param name="Allowed">For the whole; the rule and the reply are those of the recipient.</param>
/// <param name="Note">What else a person should know of that address.</param>
internal sealed record ExplainReply(bool Allowed, string? Device, string RecognisedBy, string Rule, string? Reply, string? Note);

/// <param name="Status">The message's, after it. Null: there is no such message.</param>
internal sealed record ChangeReply(string Id, bool Done, MessageStatus? Status, string? Problem);

internal sealed record ForgottenReply(string Name, bool Done);

internal sealed record HashReply(string PasswordHash);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, GenerationMode = JsonSourceGenerationMode.Metadata, Converters = [typeof(CamelCase<MessageStatus>)])]
[JsonSerializable(typeof(ExplainReply))]
[JsonSerializable(typeof(IReadOnlyList<ChangeReply>))]
[JsonSerializable(typeof(ForgottenReply))]
[JsonSerializable(typeof(HashReply))]
internal sealed partial class CliJson : JsonSerializerContext;
