# The gateway, and nothing beside it: a static program on an image that has
# certificates, a user and no shell. Docker's classic builder is enough.
#
#   docker build --build-arg VERSION=$(git describe --tags --always --dirty) -t causeway/gateway .
FROM golang:1.26 AS build
WORKDIR /src
ENV CGO_ENABLED=0

# Where modules come from, for those who have a proxy of their own; Go's default if unset.
ARG GOPROXY

# What changes seldom comes first, so that a change of ours builds ours only.
COPY go.mod go.sum ./
RUN go mod download

COPY . .
ARG VERSION=unknown
RUN go build -trimpath -ldflags "-s -w -X github.com/causeway-rt/causeway/internal/version.release=$VERSION" -o /gateway ./cmd/gateway

FROM gcr.io/distroless/static-debian12:nonroot
COPY LICENSE /
COPY --from=build /gateway /gateway

# In a container, who may reach the internal listener is the network's to say: here it
# is open to the other nodes, to Prometheus and to probes. Do not publish 9090.
ENV GATEWAY_INTERNAL_LISTEN=:9090
EXPOSE 3000 9090

# The image's own user, by number: Kubernetes can't tell that a name is not root's.
USER 65532:65532

# Whether it lives, not whether it takes clients: some engines restart what is
# unhealthy, which is no help to a node that drains or waits for Redis. The timeout is
# longer than the 2 s that the command waits itself.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/gateway", "healthcheck"]

ENTRYPOINT ["/gateway"]
