using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using SmartHost.Bench;

// SmartHost and Postfix side by side on one machine, each round in turn, so that what else the machine does meets both.
//   smarthost-bench --smarthost PATH [--rounds N] [--only accept,forward,latency,memory,start] [--connections N]
// PATH is the native binary or smarthost.dll. Loopback only; every count is bounded; every server is stopped.
// It reads processor time and memory from /proc.
[assembly: SupportedOSPlatform("linux")]

var options = Options.Read(args);
if (options is null)
{
    Console.Error.WriteLine("usage: smarthost-bench --smarthost PATH [--rounds N] [--only accept,forward,latency,memory,start] [--connections N] [--no-postfix]");
    return 64;
}
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var bench = new Measurements(options);
if (options.Wants("accept")) await bench.AcceptAsync();
if (options.Wants("forward")) await bench.ForwardAsync();
if (options.Wants("latency")) await bench.LatencyAsync();
if (options.Wants("memory")) await bench.MemoryAsync();
if (options.Wants("start")) await bench.StartAsync();
return 0;
