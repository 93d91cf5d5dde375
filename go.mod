module github.com/causeway-rt/causeway

go 1.26
