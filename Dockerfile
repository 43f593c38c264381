# SmartHost as one native binary on a small glibc base: no shell, no package manager, any user, read-only root.
#   docker build -t smarthost .
#   docker buildx build --platform linux/amd64,linux/arm64 -t smarthost .
# Why not musl: no native AOT pack for it could be restored, and a static glibc binary cannot load SQLite.

ARG SDK=mcr.microsoft.com/dotnet/sdk:10.0
ARG RUNTIME=mcr.microsoft.com/dotnet/runtime-deps:10.0-noble-chiseled

# The compiler always runs on the builder's own processor; arm64 is cross-compiled, not emulated.
FROM --platform=$BUILDPLATFORM ${SDK} AS build
ARG TARGETARCH=amd64
RUN apt-get update \
 && apt-get install -y --no-install-recommends clang lld zlib1g-dev \
 && if [ "$TARGETARCH" = arm64 ] && [ "$(uname -m)" != aarch64 ]; then \
      apt-get install -y --no-install-recommends gcc-aarch64-linux-gnu libc6-dev-arm64-cross binutils-aarch64-linux-gnu; fi \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Directory.Build.props Directory.Packages.props BannedSymbols.txt .editorconfig ./
COPY src/SmartHost/ src/SmartHost/
RUN case "$TARGETARCH" in \
      amd64) rid=linux-x64; cross=; objcopy=objcopy ;; \
      arm64) rid=linux-arm64; objcopy=objcopy; [ "$(uname -m)" = aarch64 ] || objcopy=aarch64-linux-gnu-objcopy; \
             cross="-p:LinkerFlavor=lld -p:ObjCopyName=$objcopy" ;; \
      *) echo "no native build for $TARGETARCH: amd64 or arm64"; exit 1 ;; \
    esac \
 && dotnet publish src/SmartHost -c Release -r $rid -p:PublishAot=true -p:PackedRelocations=true $cross -o /app \
 && rm -f /app/*.dbg \
 # Its package carries symbols that nothing here reads: 0.1 MB of 30.
 && $objcopy --strip-unneeded /app/libe_sqlite3.so \
 # A folder for the runtime stage to copy as it is: there is no shell there to make one, and builders differ in
 # whether COPY --chmod concerns the folder that COPY itself makes.
 && mkdir -p -m 0777 /root-of-image/data

FROM ${RUNTIME}
LABEL org.opencontainers.image.title="SmartHost" \
      org.opencontainers.image.description="Takes mail from printers, scanners and old programs by plain SMTP and sends it through Gmail" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /app/ /app/
# Writable for whatever user the container is told to run as; a mounted volume brings its own owner.
COPY --from=build /root-of-image/ /
# On the path, so that people can type: docker exec smarthost smarthost queue list
ENV PATH="/app:${PATH}" \
    SMARTHOST_DATA=/data \
    SMARTHOST_CONFIG=/config/smarthost.yaml
USER 1654
VOLUME /data
EXPOSE 2525 8025
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s --retries=3 CMD ["/app/smarthost", "health"]
ENTRYPOINT ["/app/smarthost"]
