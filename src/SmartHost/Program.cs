return await SmartHost.Cli.CommandLine.RunAsync(args);
