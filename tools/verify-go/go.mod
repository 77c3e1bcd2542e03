module sealbook/verify-go

go 1.21

require (
	filippo.io/edwards25519 v1.1.0
	github.com/klauspost/compress v1.17.11
	golang.org/x/crypto v0.31.0
)

require golang.org/x/sys v0.28.0 // indirect
